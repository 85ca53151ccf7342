/* speech.c - spans of speech from a sequence of probabilities
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <mote/mote_audio.h>
#include <string.h>

size_t mote_speech_spans(const mote_speech_options *options, const float *p, size_t n, uint64_t total, mote_span *out, size_t cap)
{
    mote_speech_options o = MOTE_SPEECH_OPTIONS_INIT;
    if (options != NULL && options->struct_size <= sizeof o)
        memcpy(&o, options, options->struct_size);
    float end = o.end_threshold != 0 ? o.end_threshold : o.threshold - 0.15f;
    uint64_t rate = o.sample_rate, min_speech = rate * o.min_speech_ms / 1000, min_silence = rate * o.min_silence_ms / 1000, pad = rate * o.pad_ms / 1000;
    size_t count = 0;
    bool speaking = false;
    uint64_t start = 0, quiet = 0; /* quiet: where the silence at hand began; 0: there is none */
    for (size_t i = 0; i <= n; i++) {
        uint64_t at = (uint64_t)i * o.hop;
        bool last = i == n, ends = false;
        if (!last && p[i] >= o.threshold) {
            quiet = 0;
            if (!speaking)
                start = at;
            speaking = true;
        } else if (speaking && (last || p[i] < end)) {
            if (quiet == 0)
                quiet = at == 0 ? 1 : at;
            ends = last || at - quiet >= min_silence;
        }
        if (!speaking || !(ends || last))
            continue;
        uint64_t stop = quiet != 0 ? quiet : at;
        speaking = false;
        quiet = 0;
        if (stop > total)
            stop = total;
        if (stop < start + min_speech)
            continue;
        mote_span s = {start > pad ? start - pad : 0, stop + pad < total ? stop + pad : total};
        if (count > 0 && count <= cap && s.start < out[count - 1].end)
            s.start = out[count - 1].end = (out[count - 1].end + s.start) / 2; /* padding met: halfway */
        if (count < cap)
            out[count] = s;
        count++;
    }
    return count;
}
