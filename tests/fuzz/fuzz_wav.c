/* fuzz_wav.c - WAV files: any bytes; what is accepted can be read to its end
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <mote/mote_audio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int lenient = 0; lenient < 2; lenient++) {
        mote_wav w = MOTE_WAV_INIT;
        mote_diag diag = MOTE_DIAG_INIT;
        mote_status status = mote_wav_parse(data, size, lenient, &w, &diag);
        if (diag.code != status)
            abort();
        if (status != MOTE_OK)
            continue;
        if (w.frames > size)
            abort();
        float out[64];
        uint64_t total = 0;
        for (size_t n; (n = mote_wav_mono(&w, total, 64, out)) != 0;)
            total += n;
        if (total != w.frames)
            abort();
    }
    return 0;
}
