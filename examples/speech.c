/* speech.c - a streaming speech detector: prints where somebody speaks in a 16 kHz WAV file
 * SPDX-License-Identifier: Apache-2.0
 *
 *     speech silero-vad.onnx recording.wav */
#include <mote/mote_audio.h>
#include <stdio.h>
#include <stdlib.h>

enum { RATE = 16000, WINDOW = 512, BLOCK = 1600 };

typedef struct heard {
    float *p;
    size_t n, cap;
} heard;

static bool on_window(void *ctx, uint64_t start, const float *values, size_t count)
{
    heard *h = ctx;
    (void)start, (void)count;
    if (h->n < h->cap)
        h->p[h->n++] = values[0];
    return true;
}

static int fail(const char *what, const mote_diag *diag)
{
    fprintf(stderr, "speech: %s: %s\n", what, diag->message);
    return 1;
}

int main(int argc, char **argv)
{
    static char file[64 << 20];
    mote_diag diag = MOTE_DIAG_INIT;
    mote_wav wav = MOTE_WAV_INIT;
    FILE *f = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (f == NULL)
        return fprintf(stderr, "usage: speech silero-vad.onnx recording.wav\n"), 2;
    size_t bytes = fread(file, 1, sizeof file, f);
    fclose(f);
    if (mote_wav_parse(file, bytes, true, &wav, &diag))
        return fail(argv[2], &diag);
    if (wav.sample_rate != RATE)
        return fprintf(stderr, "speech: %s has %u Hz, the model takes %d\n", argv[2], wav.sample_rate, RATE), 1;

    mote_model *model;
    mote_stream *stream;
    mote_stream_state state = {"state", "stateN"};
    mote_stream_options o = MOTE_STREAM_OPTIONS_INIT;
    o.window = WINDOW;
    o.context = 64;
    o.states = &state;
    o.n_states = 1;
    o.rate_input = "sr";
    if (mote_model_load_path(argv[1], NULL, &model, &diag) || mote_stream_create(model, &o, &stream, &diag))
        return fail(argv[1], &diag);

    heard h = {calloc((size_t)(wav.frames / WINDOW) + 2, sizeof(float)), 0, (size_t)(wav.frames / WINDOW) + 2};
    float block[BLOCK]; /* as a microphone would hand them over */
    for (uint64_t at = 0; at < wav.frames; at += BLOCK)
        if (mote_stream_push(stream, block, mote_wav_mono(&wav, at, BLOCK, block), on_window, &h, &diag))
            return fail("run", &diag);
    if (mote_stream_flush(stream, on_window, &h, &diag))
        return fail("run", &diag);

    mote_span spans[256];
    size_t n = mote_speech_spans(NULL, h.p, h.n, wav.frames, spans, 256);
    for (size_t i = 0; i < n && i < 256; i++)
        printf("%.2f s to %.2f s\n", (double)spans[i].start / RATE, (double)spans[i].end / RATE);
    free(h.p);
    mote_stream_destroy(&stream);
    mote_model_destroy(&model);
    return 0;
}
