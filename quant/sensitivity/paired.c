/* paired.c - whether two models that were given the same questions answer equally well
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/sensitivity/paired.h"
#include <math.h>

double mote_mcnemar(uint64_t only_first, uint64_t only_second)
{
    const double least = (double)(only_first < only_second ? only_first : only_second), n = (double)only_first + (double)only_second;
    /* 2 sum over i <= least of C(n, i) / 2^n, from the largest term down, until terms do not count any more */
    double term = lgamma(n + 1) - lgamma(least + 1) - lgamma(n - least + 1) - n * log(2), sum = 0;
    for (double i = least; i >= 0; i--) {
        const double part = exp(term);
        sum += part;
        if (part < sum * 1e-17)
            break;
        term += log(i) - log(n - i + 1);
    }
    return fmin(2 * sum, 1);
}
