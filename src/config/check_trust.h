#ifndef CONFIG_CHECK_TRUST_H
#define CONFIG_CHECK_TRUST_H

#include "config/check.h"

/*
 * Who else may decide what is run: files of the configuration and programs that others may write,
 * themselves or through a directory above them. For root's configuration that all may write it is a
 * mistake, as it is for sudo(8) and sshd(8); the rest are warnings.
 */
void check_trust(const struct settings *settings, struct complaints *complaints);

#endif
