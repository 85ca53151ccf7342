/* fuzz_npz.c - .npz and .npy: any bytes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "mote/npy.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    named_arrays a;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = npz_parse(data, size, 1 << 24, &a, &diag);
    if (diag.code != status || (status != MOTE_OK && a.n != 0))
        abort();
    size_t sum = 0;
    for (size_t i = 0; i < a.n; i++) {
        const mote_array *x = &a.items[i].array;
        sum += strlen(a.items[i].name);
        for (size_t k = 0, n = x->dtype == MOTE_DTYPE_STRING ? mote_array_count(x) : 0; k < n; k++)
            for (size_t c = 0; c < ((const mote_string *)x->data)[k].length; c++)
                sum += (unsigned char)((const mote_string *)x->data)[k].data[c];
        for (size_t k = 0; x->dtype != MOTE_DTYPE_STRING && k < x->bytes; k++)
            sum += ((const unsigned char *)x->data)[k];
    }
    static volatile size_t sink;
    sink = sum;
    (void)sink;
    named_arrays_free(&a);
    return 0;
}
