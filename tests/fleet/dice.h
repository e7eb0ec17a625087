#ifndef FLEET_DICE_H
#define FLEET_DICE_H

#include <math.h>
#include <stdint.h>

/* Random numbers: the same seed gives the same ones. */
struct dice {
	uint64_t state; /* the seed, at first */
};

/* SplitMix64, as Steele, Lea and Flood give it. */
static inline uint64_t dice_next(struct dice *dice)
{
	uint64_t mixed = dice->state += 0x9e3779b97f4a7c15U;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9U;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebU;
	return mixed ^ mixed >> 31;
}

static inline uint32_t dice_random(struct dice *dice)
{
	return (uint32_t)(dice_next(dice) >> 32);
}

/* 0 .. bound - 1 */
static inline uint32_t dice_below(struct dice *dice, uint32_t bound)
{
	return (uint32_t)((dice_next(dice) >> 32) * bound >> 32);
}

static inline double dice_exponential(struct dice *dice, double mean)
{
	return -log(((double)(dice_next(dice) >> 11) + 1) / 9007199254740993.0) * mean;
}

#endif
