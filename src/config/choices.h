#ifndef CONFIG_CHOICES_H
#define CONFIG_CHOICES_H

/* What settings hold that have a choice of words, in the order of the words in the option table. */

enum balance_mode { BALANCE_LEAST_LOAD, BALANCE_RANDOM_OF_TWO, BALANCE_SHARED };

/* FastCGI's roles 1 and 2. */
enum backend_mode { BACKEND_RESPONDER, BACKEND_AUTHORIZER };

/* AUTO: where scripts are chosen by their extension. */
enum check_local { CHECK_LOCAL_AUTO, CHECK_LOCAL_DISABLE, CHECK_LOCAL_ENABLE };

/* Which requests may be sent again after a process may have begun on them. */
enum retry_choice { RETRY_NONE, RETRY_SAFE, RETRY_IDEMPOTENT, RETRY_ALL };

#endif
