/* fuzz_picture.c - JPEG and PNG: any bytes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "mote/picture.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    picture p;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_status status = picture_decode(data, size, &p, &diag);
    if (diag.code != status || (status == MOTE_OK) != (p.rgb != NULL) || status == MOTE_E_INTERNAL)
        abort();
    if (status == MOTE_OK) {
        static volatile uint8_t sink;
        for (size_t i = 0; i < p.width * p.height * 3; i++)
            sink = p.rgb[i];
        (void)sink;
        picture_free(&p);
    }
    return 0;
}
