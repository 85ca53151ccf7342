/* pool.c - choice of a pooling row; padding under a maximum
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/pool/pool.h"

static const mote_pool_row rows[] = {
#define POOL(name, all, isa, kind, check) {#name, isa, kind, check, name, all},
#include "kernels/pool/pool.inc"
#undef POOL
};

const mote_pool_row *mote_pool_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_pool_row *mote_pool_select(mote_pool_kind kind, uint32_t cpu)
{
    const mote_pool_row *r = rows;
    while (r->kind != kind || (r->isa & ~cpu) != 0)
        r++;
    return r;
}

void mote_pool_fill(const void **table, size_t taps, size_t n, const void *empty)
{
    for (size_t i = 0; i < n; i++) {
        size_t first = 0;
        while (first < taps && table[first * n + i] == NULL)
            first++;
        const void *last = first < taps ? table[first * n + i] : empty;
        for (size_t t = 0; t < taps; t++) {
            if (table[t * n + i] == NULL)
                table[t * n + i] = last;
            last = table[t * n + i];
        }
    }
}
