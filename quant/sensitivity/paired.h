/* paired.h - whether two models that were given the same questions answer equally well
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_SENSITIVITY_PAIRED_H
#define MOTE_QUANT_SENSITIVITY_PAIRED_H

#include "base/platform.h"
#include <stdint.h>

/* McNemar's exact test, two-sided: how likely counts at least as unequal as these are when each question that only one model has right is as likely to be either's.
 * (McNemar 1947; the binomial form.) Questions that both have right or wrong do not matter. */
double mote_mcnemar(uint64_t only_first, uint64_t only_second);

#endif
