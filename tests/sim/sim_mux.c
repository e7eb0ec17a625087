#include "sim_mux.h"

#include <string.h>

#include "base/log.h"
#include "config/check.h"
#include "config/ini.h"
#include "mux/backend.h"
#include "sim.h"

enum { DESCRIPTORS = 1024 };

bool sim_is_verbose;

static void read_settings(struct settings *settings, const char *text)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct complaints complaints;

	MUST(in, "no memory for the test");
	complaints_init(&complaints);
	settings_init(settings);
	ini_load_stream(settings, in, "sim.ini", &complaints);
	settings_complete(settings);
	if (complaints.sentences.count == 0)
		check_settings(settings, &complaints);
	MUST(complaints.sentences.count == 0, "%s", complaints.sentences.items[0]);
	complaints_fini(&complaints);
	fclose(in);
}

void sim_mux_open_fronts(struct sim_mux *sim)
{
	const struct settings *settings = &sim->settings;

	sim->front_count = 0;
	for (size_t i = 0; i < settings->backend_count; i++)
		for (size_t n = 0; n < settings->backends[i]->listen.count; n++)
			if (settings_opens_front(settings, i, n))
				sim->fronts[sim->front_count++] = sim_listen_front();
}

void sim_mux_init(struct sim_mux *sim, const char *text)
{
	*sim = (struct sim_mux){0};
	log_init("fcgi-mux", LOG_FORM_TAGGED);
	log_set_level(sim_is_verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	read_settings(&sim->settings, text);
}

void sim_mux_fini(struct sim_mux *sim)
{
	settings_fini(&sim->settings);
}

bool sim_mux_start(struct sim_mux *sim, bool has_supervisor)
{
	int fds[SIM_FRONTS_MAX];
	struct mux_plan plan = {
		.settings = &sim->settings,
		.front_fds = fds,
		.front_count = sim->front_count,
		.access_log_fd = -1,
		.descriptors_max = DESCRIPTORS,
	};
	char *error = NULL;

	sim->control_fd = -1;
	for (size_t i = 0; i < sim->front_count; i++)
		fds[i] = sim_socket_fd(sim->fronts[i]);
	if (has_supervisor)
		sim->control = sim_control_pair(&sim->control_fd);
	plan.control_fd = sim->control_fd;
	sim_loop_reset();
	sim_memory_enter();
	sim->mux = mux_new(&plan, &error);
	free(error);
	sim_memory_leave();
	return sim->mux;
}

void sim_mux_stop(struct sim_mux *sim)
{
	sim_memory_enter();
	mux_free(sim->mux);
	sim_memory_leave();
	sim->mux = NULL;
	MUST(sim_memory.blocks == 0, "%zu blocks of memory are left", sim_memory.blocks);
	MUST(sim_open_count() == (sim->control ? 1 : 0), "%zu descriptors are left",
	     sim_open_count());
	if (!sim->control)
		return;
	sim_close(sim_socket_of(sim->control_fd), false);
	sim_close(sim->control, false);
	sim->control = NULL;
}
