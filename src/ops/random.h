/* random.h - numbers for the random operators: a function of a seed, of where and when the node runs, and of the element's index
 * SPDX-License-Identifier: Apache-2.0
 *
 * Philox 4x32-10 (Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3; SC 2011): block b of a node's stream is a bijection of (b, turn) under
 * a key of 64 bits. No state, so a number depends on nothing that was drawn before.
 *
 * With a seed attribute the key is the seed's: the same numbers in each run, others in each run of a subgraph (mote_eval.turn). Without one it is made of
 * the run's seed (mote_eval.random_seed) and the output's name: other numbers in each run of a session, the same in a new session. */
#ifndef MOTE_OPS_RANDOM_H
#define MOTE_OPS_RANDOM_H

#include "ops/op.h"

typedef struct mote_random {
    uint32_t key[2];
    uint64_t turn;
} mote_random;

/* For this evaluation. seed: the bits of the seed attribute, with has_seed. */
void mote_random_begin(mote_random *r, const mote_eval *c, bool has_seed, uint64_t seed);
/* words[0 .. 4 blocks) of the stream from block `first` on. */
void mote_random_words(const mote_random *r, uint64_t first, size_t blocks, uint32_t *words);
void mote_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/* splitmix64's finalizer: a bijection of 64 bits in which every bit of z changes half of the result's. */
MOTE_INLINE uint64_t mote_random_mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
/* In [0, 1), of 53 bits. */
MOTE_INLINE double mote_random_unit(uint32_t high, uint32_t low) { return (double)(((uint64_t)high << 32 | low) >> 11) * 0x1p-53; }

#endif
