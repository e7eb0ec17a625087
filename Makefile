# fcgi-herd: "make help" lists what there is to make.

VERSION = 0.1.0
PREFIX ?= /usr/local
BUILD ?= build
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config

HARDENING ?= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
	$(if $(filter x86_64-% i%86-%,$(shell $(CC) -dumpmachine)),-fcf-protection)
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
	-Wundef -Wwrite-strings -Wformat=2 -Wimplicit-fallthrough -Wnull-dereference
# Across modules: 0.95 of the CPU a request. Not clang, whose own takes another linker and archiver.
LTO := $(if $(shell $(CC) -dM -E -x c /dev/null 2>/dev/null | grep __clang__),,-flto=auto -ffat-lto-objects)
ifdef SANITIZE # a build with these does its own hardening
CFLAGS = -O1 -g -fno-omit-frame-pointer -DSANDBOX_OFF
HARDENING = -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LTO =
endif

LANGUAGE = -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Isrc
COMPILE = $(CC) $(LANGUAGE) $(CPPFLAGS) $(HARDENING) -fPIE $(CFLAGS) $(LTO) $(WARNINGS) $(if $(WERROR),-Werror) -MMD -MP
LINK = $(CC) $(filter -fsanitize=%,$(HARDENING)) $(CFLAGS) -fno-lto -pie -Wl,-z,relro,-z,now,--as-needed $(LDFLAGS)
# Debian's libev has no .pc file.
LIBS := $(shell $(PKG_CONFIG) --libs inih libcap-ng libseccomp libcares 2>/dev/null || \
	echo -linih -lcap-ng -lseccomp -lcares) -lev

PROGRAMS = $(BUILD)/fcgi-herd $(BUILD)/fcgi-mux
LIBRARY = $(BUILD)/libfcgi-herd.a
OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/*/*.c))
UNITS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
APPS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/apps/*.c))
EXAMPLES = $(patsubst contrib/%.c,$(BUILD)/%,$(wildcard contrib/examples/*.c))
BENCHES = $(BUILD)/fcgi-load $(BUILD)/bench-app $(BUILD)/bare-relay
FUZZERS = $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
# What is played in memory in place of the system, and what the model listens in at.
SIM = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/sim*.c) tests/sim/wire.c)
FLEET_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fleet/*.c))
MODEL = $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/*.c))
SIM_WRAPS = recv recvmsg send sendmsg sendfile accept4 close shutdown getsockopt getpeername getrandom \
	$(MEMORY_WRAPS) socket_connect process_memory
MEMORY_WRAPS = malloc calloc realloc reallocarray free strdup strndup vasprintf
# All that has a wrapper there.
FAULT_WRAPS = $(shell sed -n 's/^WRAP[_A-Z]*.[^,]*, \([a-z_0-9]*\),.*/\1/p' tests/unit/faulty_calls.c)
MODEL_WRAPS = queue_append queue_remove proc_run
comma = ,
wraps = $(addprefix -Wl$(comma)--wrap=,$(1))
LINTS = $(patsubst tests/lint/%.sh,lint-%,$(wildcard tests/lint/*.sh))
run = $(if $(V),,@printf '%-5s%s\n' $(1) $@;)
# What installs packages builds afterwards, in a make that sees them.
AGAIN = +@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

all: $(PROGRAMS)
units: $(UNITS)
apps: $(APPS) $(BUILD)/tests/apps/faulty.so $(EXAMPLES)
examples: $(EXAMPLES)
benches: $(BENCHES)
fuzzers: $(FUZZERS)
model-program: $(BUILD)/model
fleet-program: $(BUILD)/fleet/fleet

check:
	@contrib/install-deps.sh build check
	$(AGAIN) all units apps benches
	$(AGAIN) BUILD=$(BUILD)/sanitized SANITIZE=address,undefined units
	@tests/check.sh $(BUILD) units sanitized-units programs

check-sanitized:
	@contrib/install-deps.sh build check
	$(AGAIN) apps benches
	$(AGAIN) BUILD=$(BUILD)/sanitized SANITIZE=address,undefined all
	@tests/check.sh $(BUILD) sanitized-programs

faults:
	@contrib/install-deps.sh build check
	$(AGAIN) all apps benches
	@REQUESTS=$(or $(REQUESTS),100000) FILE_SECONDS=3600 \
		TESTS='tests/faults.bats tests/reload.bats tests/takeover.bats' tests/check.sh $(BUILD) programs

soak:
	@contrib/install-deps.sh build check $(if $(VALGRIND),soak)
	$(AGAIN) all apps benches
	@SOAK_SECONDS=$(or $(SOAK_SECONDS),3600) VALGRIND=$(VALGRIND) tests/soak/soak.sh $(BUILD)

FUZZED = BUILD=$(BUILD)/fuzzed CC=clang SANITIZE=fuzzer-no-link,address,undefined
fuzz:
	@contrib/install-deps.sh build fuzz
	$(AGAIN) $(FUZZED) fuzzers
	@tests/fuzz/fuzz.sh $(BUILD)/fuzzed $(FUZZ)

fuzz-files:
	@contrib/install-deps.sh build afl
	$(AGAIN) BUILD=$(BUILD)/afl CC=afl-clang-fast SANITIZE=address,undefined all
	@tests/fuzz/afl.sh $(BUILD)/afl

# First inputs from real traffic, and the fewest and smallest of all that were found since.
fuzz-corpus:
	@contrib/install-deps.sh build check fuzz
	$(AGAIN) all apps
	$(AGAIN) $(FUZZED) fuzzers
	@tests/fuzz/seed.sh $(BUILD) $(BUILD)/fuzzed/fuzz/corpus
	@tests/fuzz/merge.sh $(BUILD)/fuzzed $(FUZZ)

# Not optimised away, and without anything else that looks on.
fuzz-coverage:
	@contrib/install-deps.sh build fuzz coverage
	$(AGAIN) BUILD=$(BUILD)/covered CC=clang HARDENING= LTO= \
		CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping' fuzzers model-program
	@tests/fuzz/coverage.sh $(BUILD)/covered $(BUILD)/fuzzed

STEPS ?= 1000000
model:
	@contrib/install-deps.sh build
	$(AGAIN) BUILD=$(BUILD)/sanitized SANITIZE=address,undefined model-program
	$(BUILD)/sanitized/model --steps $(STEPS) $(if $(SEED),--seed $(SEED))

fleet:
	@contrib/install-deps.sh build
	$(AGAIN) fleet-program
	$(BUILD)/fleet/fleet $(FLEET) $(BUILD)/fleet

# Without assertions, whose other side nothing takes, and without the filter of system calls, under
# which no count is written.
coverage:
	@contrib/install-deps.sh build check coverage
	$(AGAIN) BUILD=$(BUILD)/coverage CC=gcc HARDENING= LTO= \
		CFLAGS='-O0 -g --coverage -DNDEBUG -DSANDBOX_OFF -include tests/coverage.h' \
		all units apps benches model-program
	@tests/coverage.sh $(BUILD)/coverage

mutations:
	@contrib/install-deps.sh build
	@tests/sim/mutate.sh $(BUILD)/mutations

bench:
	@contrib/install-deps.sh build bench
	$(AGAIN) all benches
	@tests/bench/bench.sh $(BUILD) $(BENCH)

demo:
	@contrib/install-deps.sh build demo
	$(AGAIN) all examples
	@contrib/demo.sh $(BUILD)

lint: $(LINTS)
lint-%:
	@contrib/install-deps.sh -n build lint
	@tests/lint/$*.sh && echo '$*: good'

deps:
	@contrib/install-deps.sh build check demo fuzz lint

# From a copy of the source: dpkg-buildpackage writes into it, and beside it. It has a build/ of its own.
deb:
	@contrib/install-deps.sh build deb
	rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb/source
	tar c --exclude=./build --exclude=./$(BUILD) --exclude=./.git . | tar x -C $(BUILD)/deb/source
	cp -r contrib/debian $(BUILD)/deb/source/debian
	cd $(BUILD)/deb/source && env -u MAKEFLAGS -u BUILD dpkg-buildpackage -us -uc -b
	lintian --allow-root --fail-on error,warning $(BUILD)/deb/*.changes
	rm -r $(BUILD)/deb/source

check-deb: deb
	@contrib/install-deps.sh check
	$(AGAIN) apps
	PACKAGE=$$(ls $(CURDIR)/$(BUILD)/deb/fcgi-herd_*.deb) TEST_APPS=$(CURDIR)/$(BUILD)/tests/apps \
		bats tests/package

# A tree of debootstrap stays in BUILD for the next time.
check-container:
	@contrib/install-deps.sh build check container
	$(AGAIN) all apps benches
	@mkdir -p $(BUILD)/container
	BASE=$(CURDIR)/$(BUILD)/container/debian TEST_APPS=$(CURDIR)/$(BUILD)/tests/apps bats tests/container

install: all
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,sbin bin share/doc/fcgi-herd share/man/man1 share/man/man5 share/man/man7 share/man/man8)
	install $(PROGRAMS) $(DESTDIR)$(PREFIX)/sbin
	install spawn-php.sh contrib/lighttpd-to-ini $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 man/*.7 $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 contrib/fcgi-herd.ini contrib/spawn-php.default $(DESTDIR)$(PREFIX)/share/doc/fcgi-herd

uninstall:
	cd $(DESTDIR)$(PREFIX)/sbin && rm -f $(notdir $(PROGRAMS))
	rm -f $(DESTDIR)$(PREFIX)/bin/spawn-php.sh $(DESTDIR)$(PREFIX)/bin/lighttpd-to-ini
	rm -f $(patsubst man/%,$(DESTDIR)$(PREFIX)/share/man/man1/%,$(wildcard man/*.1))
	rm -f $(patsubst man/%,$(DESTDIR)$(PREFIX)/share/man/man5/%,$(wildcard man/*.5))
	rm -f $(patsubst man/%,$(DESTDIR)$(PREFIX)/share/man/man7/%,$(wildcard man/*.7))
	rm -f $(patsubst man/%,$(DESTDIR)$(PREFIX)/share/man/man8/%,$(wildcard man/*.8))
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/fcgi-herd

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^#: //p' Makefile

#: make                  the two programs, in build/
#: make check            installs what the tests need, builds, tests; TESTS='tests/a.bats' for some
#: make check-sanitized  the tests of whole programs once more, with ASan and UBSan
#: make faults           faults under load, 100000 requests each, 6 minutes; REQUESTS=N
#: make soak             an hour of load, kills and reloads, with graphs; SOAK_SECONDS=N VALGRIND=1
#: make fuzz             libFuzzer, a minute a target; FUZZ_SECONDS=N FUZZ_JOBS=N FUZZ='head front'
#: make fuzz-files       AFL++ on configurations, as the whole program reads them; FUZZ_SECONDS=N
#: make fuzz-coverage    what of the code its inputs and the model reach; fuzz-corpus makes inputs
#: make coverage         what of the lines and branches the tests and the model reach, 10 minutes
#: make model            random histories against the rules of trust; STEPS=N SEED=N
#: make fleet            10 fronts, 1000 hosts, an hour, simulated, in 15 minutes; FLEET=--short
#: make mutations        mistakes put in on purpose, each of which the model has to find
#: make bench            beside HAProxy and nginx, 5 minutes; BENCH='--works W1 --rounds 1' for some
#: make demo             a web server in front of four children, until Ctrl-C
#: make lint             what reads the source; lint-sizes etc. for one of it
#: make deps             installs all that any of these needs
#: make deb              Debian packages, in build/deb/; check-deb tries them (as root)
#: make check-container  the steps of contrib/container in a fresh Debian, 5 minutes (as root)
#: make install          also uninstall; to PREFIX (/usr/local) below DESTDIR
#: make clean            takes build/ away
#: Variables: CC CFLAGS LDFLAGS LTO HARDENING WERROR=1 V=1 BUILD=DIR SANITIZE=address,undefined

$(PROGRAMS): $(BUILD)/%: $(BUILD)/src/%.o $(LIBRARY)
	$(call run,LINK)$(LINK) $(LTO) -o $@ $^ $(LIBS)
$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(call run,AR)$(AR) rcs $@ $^
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	$(call run,LINK)$(LINK) -o $@ $^ $(LIBS) -lcmocka
$(BUILD)/tests/unit/test_memory $(BUILD)/tests/unit/test_lookup_memory: $(BUILD)/%: $(BUILD)/%.o \
		$(BUILD)/tests/unit/failing_memory.o $(LIBRARY)
	$(call run,LINK)$(LINK) $(call wraps,$(MEMORY_WRAPS) __vasprintf_chk) -o $@ $^ $(LIBS) -lcmocka
$(BUILD)/tests/unit/test_system_calls $(BUILD)/tests/unit/test_herd_faults: $(BUILD)/%: $(BUILD)/%.o \
		$(BUILD)/tests/unit/faulty_calls.o $(LIBRARY)
	$(call run,LINK)$(LINK) $(call wraps,$(FAULT_WRAPS)) -o $@ $^ $(LIBS) -lcmocka
$(BUILD)/tests/apps/%: $(BUILD)/tests/apps/%.o $(LIBRARY)
	$(call run,LINK)$(LINK) -o $@ $^ $(LIBS) -lfcgi
$(BUILD)/fcgi-load: $(patsubst %.c,$(BUILD)/%.o,tests/bench/fcgi-load.c $(wildcard tests/bench/load_*.c)) $(LIBRARY)
	$(call run,LINK)$(LINK) -o $@ $^ -lm
$(BUILD)/bench-app $(BUILD)/bare-relay: $(BUILD)/%: $(BUILD)/tests/bench/%.o $(LIBRARY)
	$(call run,LINK)$(LINK) -o $@ $^
# libFuzzer is clang's: the objects that it looks into are built with SANITIZE=fuzzer-no-link,...
$(BUILD)/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call run,LINK)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)
$(BUILD)/fuzz/fuzz_front $(BUILD)/fuzz/fuzz_proc: $(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(SIM) $(LIBRARY)
	@mkdir -p $(@D)
	$(call run,LINK)$(LINK) -fsanitize=fuzzer $(call wraps,$(SIM_WRAPS)) -o $@ $^ $(LIBS)
$(BUILD)/model: $(MODEL) $(LIBRARY)
	$(call run,LINK)$(LINK) $(call wraps,$(SIM_WRAPS) $(MODEL_WRAPS)) -o $@ $^ $(LIBS)
$(BUILD)/fleet/fleet: $(FLEET_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	$(call run,LINK)$(LINK) -o $@ $^ -lm
$(BUILD)/examples/%: $(BUILD)/contrib/examples/%.o
	@mkdir -p $(@D)
	$(call run,LINK)$(LINK) -o $@ $^ -lfcgi
# Preloaded into the programs, whose system calls it makes fail.
$(BUILD)/tests/apps/faulty.so: tests/faults/faulty.c
	@mkdir -p $(@D)
	$(call run,LINK)$(CC) $(LANGUAGE) $(WARNINGS) $(if $(WERROR),-Werror) -O2 -g -shared -fPIC -o $@ $<
# For a chroot that holds nothing else.
$(BUILD)/tests/apps/static-%: tests/apps/static-%.c
	@mkdir -p $(@D)
	$(call run,CC)$(CC) $(LANGUAGE) -O2 $(WARNINGS) -MMD -MP -MT $@ -MF $@.d -static -o $@ $<
$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call run,CC)$(COMPILE) -c -o $@ $<

.PHONY: all units apps examples benches check check-sanitized faults soak bench demo lint deps deb check-deb check-container install uninstall clean help \
	fuzzers model-program fleet fleet-program fuzz fuzz-files fuzz-corpus fuzz-coverage model coverage mutations
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(BUILD) -path '*/deb' -prune -o -type f -name '*.d' -print 2>/dev/null)
