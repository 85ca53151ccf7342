/* answer_sound.c - sound through a model: speech spans, or another sound
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "answer.h"
#include "base/size.h"
#include "files.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096 }; /* samples between two looks at Ctrl-C */

/* What the steps of a stream give, one behind the other or added up. */
typedef struct collected {
    float *p;
    size_t n, cap, hop;
    bool add, failed, steps; /* steps: one value a step */
} collected;

static bool on_step(void *ctx, uint64_t start, const float *values, size_t count)
{
    collected *c = ctx;
    if (c->steps && count == 0)
        return !(c->failed = true);
    /* which values are kept, and where the first of them goes */
    size_t at = c->n, skip = 0, keep = 1;
    if (!c->steps && c->add) { /* a window that ends with the step's newest sample; what lies before the beginning is left out */
        const size_t end = (size_t)start + c->hop;
        skip = count > end ? count - end : 0;
        keep = count - skip;
        at = end - keep;
    } else if (!c->steps) {
        keep = mote_min_size(count, c->hop);
        skip = count - keep;
        at = (size_t)start;
    }
    if (at + keep > c->cap) {
        c->failed = true;
        return false;
    }
    for (size_t i = 0; i < keep; i++)
        c->p[at + i] = (c->add ? c->p[at + i] : 0) + values[skip + i];
    c->n = at + keep > c->n ? at + keep : c->n;
    return !tool_interrupted;
}

static mote_status stream_through(feed *f, const feed_sound *in, collected *c, mote_diag *diag)
{
    mote_stream *s;
    MOTE_TRY(mote_prep_stream(f->prep, f->engine.model, f->threads == 0 ? 1 : f->threads, in->rate, &s, diag));
    mote_status status = MOTE_OK;
    for (size_t at = 0; at < in->n && status == MOTE_OK && !tool_interrupted && !c->failed; at += BLOCK)
        status = mote_stream_push(s, in->samples + at, mote_min_size(BLOCK, in->n - at), on_step, c, diag);
    if (status == MOTE_OK && !tool_interrupted && !c->failed)
        status = mote_stream_flush(s, on_step, c, diag);
    if (status == MOTE_OK && tool_interrupted)
        status = mote_fail(diag, MOTE_E_CANCELLED, "interrupted");
    if (status == MOTE_OK && c->failed)
        status = mote_fail(diag, MOTE_E_SHAPE, "the steps give more values than there are samples, or none");
    mote_stream_destroy(&s);
    return status;
}

mote_status answer_speech(feed *f, const feed_sound *sound, json_t **json, mote_diag *diag)
{
    const mote_speech_options *o = &mote_prep_output_info(f->prep)->speech;
    collected c = {.cap = sound->n / o->hop + 2, .hop = o->hop, .steps = true};
    mote_span *spans = calloc(c.cap + 1, sizeof *spans);
    c.p = calloc(c.cap, sizeof *c.p);
    mote_status status = c.p == NULL || spans == NULL ? MOTE_NO_MEMORY(diag, c.cap * sizeof *spans) : stream_through(f, sound, &c, diag);
    if (status == MOTE_OK) {
        json_t *list = json_array(), *probabilities = json_array();
        const size_t n = mote_speech_spans(o, c.p, c.n, sound->n, spans, c.cap);
        const double rate = sound->rate;
        for (size_t i = 0; i < n; i++)
            if (json == NULL)
                printf("%8.2f s to %8.2f s\n", (double)spans[i].start / rate, (double)spans[i].end / rate);
            else
                json_array_append_new(list, json_pack("{s:I, s:I, s:f, s:f}", "start", (json_int_t)spans[i].start, "end", (json_int_t)spans[i].end, "start_s",
                                                      (double)spans[i].start / rate, "end_s", (double)spans[i].end / rate));
        for (size_t i = 0; i < c.n && json != NULL; i++)
            json_array_append_new(probabilities, json_double((double)c.p[i]));
        if (json == NULL && n == 0)
            printf("no speech\n");
        if (json != NULL)
            *json = json_pack("{s:s, s:I, s:i, s:o, s:o}", "task", "speech", "samples", (json_int_t)sound->n, "hop", (int)o->hop, "spans", list, "probabilities",
                              probabilities);
        else {
            json_decref(list);
            json_decref(probabilities);
        }
    }
    free(c.p);
    free(spans);
    return status;
}

mote_status answer_sound(feed *f, const char *input, const feed_sound *in, feed_sound *out, mote_diag *diag)
{
    const mote_prep_output *o = mote_prep_output_info(f->prep);
    const mote_prep_input *x = mote_prep_input_find(f->prep, input, MOTE_PREP_AUDIO);
    *out = (feed_sound){NULL, 0, o->sampling_rate};
    if (x != NULL && x->streamed) {
        collected c = {.cap = in->n + x->hop + x->window, .hop = x->hop, .add = o->overlap_add};
        c.p = calloc(c.cap, sizeof *c.p);
        mote_status status = c.p == NULL ? MOTE_NO_MEMORY(diag, c.cap * sizeof *c.p) : stream_through(f, in, &c, diag);
        *out = (feed_sound){c.p, mote_min_size(c.n, in->n), o->sampling_rate};
        return status;
    }
    MOTE_TRY(mote_prep_sound(f->prep, f->engine.session, input, in->samples, in->n, in->rate, diag));
    MOTE_TRY(mote_session_run(f->engine.session, NULL, diag));
    const mote_tensor *t = mote_session_output(f->engine.session, mote_model_output_index(f->engine.model, o->output));
    MOTE_REQUIRE(t->dtype == MOTE_DTYPE_F32, diag, MOTE_E_DTYPE, "output '%s' is %s, a sound is float32", o->output, mote_dtype_name(t->dtype));
    out->n = (size_t)mote_tensor_count(t);
    out->samples = malloc(t->bytes + 1);
    if (out->samples == NULL)
        return MOTE_NO_MEMORY(diag, t->bytes);
    memcpy(out->samples, mote_tensor_map(t), t->bytes);
    return MOTE_OK;
}

mote_status answer_sound_print(const feed_sound *s, json_t **json, mote_diag *diag)
{
    (void)diag;
    double peak = 0, sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        peak = fmax(peak, fabs((double)s->samples[i]));
        sum += (double)s->samples[i] * (double)s->samples[i];
    }
    const double rms = s->n != 0 ? sqrt(sum / (double)s->n) : 0;
    if (json != NULL)
        *json = json_pack("{s:s, s:I, s:i, s:o, s:o}", "task", "sound", "samples", (json_int_t)s->n, "sampling_rate", (int)s->rate, "peak", json_double(peak), "rms",
                          json_double(rms));
    else
        printf("%zu samples at %u Hz, peak %.4f, RMS %.4f\n", s->n, (unsigned)s->rate, peak, rms);
    return MOTE_OK;
}

mote_status answer_sound_write(const char *path, const feed_sound *s, bool overwrite, mote_diag *diag)
{
    MOTE_REQUIRE(s->n <= (UINT32_MAX - 64) / 2, diag, MOTE_E_LIMIT, "%zu samples do not fit a WAV file", s->n);
    uint8_t *bytes = malloc(44 + 2 * s->n);
    size_t cut = 0;
    if (bytes == NULL)
        return MOTE_NO_MEMORY(diag, 2 * s->n);
    mote_wav_header(bytes, s->rate, (uint32_t)s->n);
    for (size_t i = 0; i < s->n; i++) {
        double x = rint((double)s->samples[i] * 32768);
        cut += !(x >= -32768 && x <= 32767);
        const int v = x >= 32767 ? 32767 : x >= -32768 ? (int)x : -32768; /* NaN: -32768, counted */
        bytes[44 + 2 * i] = (uint8_t)(v & 255);
        bytes[45 + 2 * i] = (uint8_t)(v >> 8 & 255);
    }
    if (cut != 0)
        fprintf(stderr, "mote: warning: %zu samples beyond full scale were cut\n", cut);
    mote_status status = file_write(path, bytes, 44 + 2 * s->n, overwrite, diag);
    free(bytes);
    return status;
}
