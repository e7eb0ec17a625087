#ifndef CONFIG_CHECK_PROGRAM_H
#define CONFIG_CHECK_PROGRAM_H

#include <stdbool.h>

#include "config/check.h"

/*
 * Whether the program of a backend can be executed by its user: chroot, directory, every directory
 * on the way, the program itself, the interpreter that its first line names, the dynamic loader,
 * and in a chroot the libraries. Of a command line, which is that of spawn-fcgi, it only warns:
 * scripts know the exit status of a program that cannot be executed, and get it from the attempt.
 */
void check_program(const struct backend_settings *backend, bool is_command,
		   struct complaints *complaints);

#endif
