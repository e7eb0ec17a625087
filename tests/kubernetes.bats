#!/usr/bin/env bats
# contrib/kubernetes without a cluster: what its files say fits together, and the programs, nginx and
# a name server that are set up as they say serve a page.

bats_require_minimum_version 1.5.0
load helpers
load front
load web

setup() {
	requires python3
	python3 -c 'import yaml' 2>/dev/null || skip "needs python3-yaml"
	make_place
	FILES=("$TOP"/contrib/kubernetes/*.yaml)
}

kubernetes() { python3 "$TOP/tests/kubernetes.py" "$@"; }

# from_map MAP KEY: what a ConfigMap holds, to a file whose name is printed.
from_map() { kubernetes --data "$1" "$2" "${FILES[@]}" | sed "${3-}" | place_file "$1-$2"; }

# Fails unless the files, changed by sed, are complained about.
complains() { # SED SENTENCE
	local file changed=()
	for file in "${FILES[@]}"; do
		sed "$1" "$file" >"$PLACE/${file##*/}"
		changed+=("$PLACE/${file##*/}")
	done
	run -1 kubernetes "${changed[@]}"
	[[ $output == *"$2"* ]]
}

@test "Kubernetes: names, labels, ports, volumes and times agree between the files" {
	kubernetes "${FILES[@]}"
}

@test "Kubernetes: what does not agree is found" {
	complains 's/containerPort: 9000/containerPort: 9001/' 'Service php: other port'
	complains 's/{name: fcgi, port/{name: php, port/' 'srv: the Service has no port _fcgi'
	complains 's/GracePeriodSeconds: 100/GracePeriodSeconds: 80/' 'php: is killed before 90 s'
	complains 's/readOnlyRootFilesystem: true/readOnlyRootFilesystem: false/' 'can be written to'
	complains 's/as: fcgi_herd_php_requests/as: other/' 'php: no rule for'
	complains 's/clusterIP: None/clusterIP: 10.0.0.1/' 'srv: the Service is not headless'
}

@test "Kubernetes: both programs take their configurations" {
	requires php-cgi
	local own=()
	! is_root || own=(setpriv --reuid nobody --regid nogroup --clear-groups)
	run -0 --separate-stderr "${own[@]}" "$FCGI_HERD" --check \
		--config "$(from_map php fcgi-herd.ini s,/usr/sbin/php,/usr/bin/php,)"
	# shellcheck disable=SC2154 # of run
	[ "$stderr" = '' ]
	run -0 --separate-stderr "${own[@]}" "$FCGI_MUX" --check \
		--config "$(from_map web fcgi-mux.ini s,/run/fcgi/,/run/,)"
	[ "$stderr" = '' ]
}

# Two pods of PHP at addresses of the loopback, and a front that finds them by their SRV records.
start_pods() {
	local pod names=()
	PORT=$(free_port) DNS_PORT=$(free_port)
	FRONT=$PLACE/web.sock
	for pod in 1 2; do
		start_herd --config "$(from_map php fcgi-herd.ini "s,/usr/sbin/php,/usr/bin/php,
			s,0.0.0.0:9000,127.0.0.$pod:$PORT,
			$(is_root && echo "s,^max-procs,user = $(server_user)\n&,")")"
		names+=(--srv-host="$SERVICE,pod-$pod.cluster.local,$PORT"
			--host-record="pod-$pod.cluster.local,127.0.0.$pod")
	done
	dnsmasq -k -C /dev/null --port="$DNS_PORT" --listen-address=127.0.0.1 --bind-interfaces --user="$(id -un)" \
		--no-resolv --no-hosts --pid-file= --local-ttl=1 "${names[@]}" 2>>"$HERD_LOG" 3>&- &
	STARTED+=($!)
	wait_until 10 has_logs 2 'fcgi-herd.*: ready$'
	"$FCGI_MUX" --config "$(from_map web fcgi-mux.ini \
		"s,/run/fcgi/php.sock,$FRONT,; 1i resolver = 127.0.0.1:$DNS_PORT")" \
		--listen-mode 0666 2>>"$HERD_LOG" 3>&- &
	STARTED+=($!)
	wait_until 10 has_front_answers
}
SERVICE=_fcgi._tcp.php.default.svc.cluster.local
has_front_answers() { "$FCGI_MUX" --values "$FRONT" 2>/dev/null | grep -qx HERD_CAPACITY=16; }

# What the kubelet runs, with our programs, and addresses in place of those in the files.
probe() { # CONTAINER KIND ADDRESS
	local words
	mapfile -t words < <(kubernetes --probe "$1" "$2" "${FILES[@]}")
	[ "${words[0]}" = /usr/sbin/fcgi-mux ]
	"$FCGI_MUX" "${words[1]}" "$3" "${words[@]:3}"
}

@test "Kubernetes: a page comes through nginx and the records from both pods, and the metrics exist" {
	requires php-cgi nginx curl dnsmasq
	start_pods
	place_file www/index.php >/dev/null <<<'<?php usleep(50000); echo getmypid(), "\n";'
	start_web kubernetes_nginx "$FRONT" nginx -c "$PLACE/nginx.conf"
	curl -s -f -Z --no-progress-meter "$WEB/index.php?[1-24]" | sort -u >"$PLACE/pids"
	[ "$(wc -l <"$PLACE/pids")" -eq 16 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$WEB/status")" = 404 ]
	curl -s -f "http://127.0.0.1:$METRICS_PORT/metrics" >"$PLACE/metrics"
	kubernetes --metrics "${FILES[@]}" >"$PLACE/names"
	[ "$(wc -l <"$PLACE/names")" -eq 2 ]
	while read -r name; do grep -E "^$name\{backend=\"php\"\} [0-9]" "$PLACE/metrics"; done <"$PLACE/names"

	probe fcgi-herd livenessProbe "127.0.0.1:$PORT"
	probe fcgi-herd readinessProbe "127.0.0.1:$PORT"
	probe fcgi-mux startupProbe "$FRONT"
	probe fcgi-mux livenessProbe "$FRONT"
	run -1 probe fcgi-herd readinessProbe "127.0.0.3:$PORT"
}
kubernetes_nginx() { # PORT FRONT
	METRICS_PORT=$(free_port)
	write_nginx_config <<-CONF
		include /etc/nginx/mime.types;
		include $(from_map web default.conf "s,listen 8080,listen 127.0.0.1:$1,; s,/var/www/html,$PLACE/www,
			s,listen 9113,listen 127.0.0.1:$METRICS_PORT,; s,/run/fcgi/php.sock,$2,
			s,include fastcgi_params,include /etc/nginx/fastcgi_params,");
	CONF
}
