#include "os/random.h"

#include <sys/random.h>

#include "os/loop.h"

uint32_t random_draw(void)
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
		number = (uint32_t)loop_now_ms();
	return number;
}
