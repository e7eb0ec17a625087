#include "herd/child_state.h"

static const char *const state_names[CHILD_STATES] = {
	[CHILD_STOPPED] = "stopped",   [CHILD_STARTING] = "starting", [CHILD_RUNNING] = "running",
	[CHILD_DRAINING] = "draining", [CHILD_STOPPING] = "stopping", [CHILD_KILLED] = "killed",
	[CHILD_BACK_OFF] = "back-off",
};

const char *child_state_name(enum child_state state)
{
	return state_names[state];
}

bool child_state_is_ending(enum child_state state)
{
	return state == CHILD_DRAINING || state == CHILD_STOPPING || state == CHILD_KILLED;
}
