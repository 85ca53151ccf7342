/* mote_audio.h - sound: WAV, frames, spectra, mel features, streams through a model
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_AUDIO_H
#define MOTE_AUDIO_H

#include <mote/mote.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- WAV ------------------------------------------------------------------------------------------------------- */

typedef struct mote_wav {
    size_t struct_size;
    uint32_t sample_rate, channels;
    uint32_t bits;       /* 8, 16, 24, 32 or 64 */
    bool is_float;
    uint64_t frames;     /* samples a channel */
    const void *data;    /* into the file's bytes */
} mote_wav;
#define MOTE_WAV_INIT {sizeof(mote_wav), 0, 0, 0, false, 0, NULL}

/* Reads a RIFF/WAVE file in memory (PCM of 8, 16, 24, 32 bits, float of 32, 64, plain or EXTENSIBLE; at most 64 channels). The bytes are borrowed. Sizes
 * as a program leaves them that writes to a pipe (2^32 - 1; data of 0 in a RIFF of 0 or 2^32 - 1) mean the whole frames to the end of the file; a data chunk
 * that is otherwise cut off is shortened to whole frames only when `lenient`. Returns MOTE_OK, MOTE_E_FORMAT, MOTE_E_UNSUPPORTED, MOTE_E_ARGUMENT. */
MOTE_API mote_status mote_wav_parse(const void *bytes, size_t n, bool lenient, mote_wav *out, mote_diag *diag);
/* `count` frames from `first` as f32 in [-1, 1], the channels averaged into one: u8 (x-128)/128, s16 x/32768, s24 x/2^23, s32 x/2^31. Returns how many
 * there were. */
MOTE_API size_t mote_wav_mono(const mote_wav *wav, uint64_t first, size_t count, float *out);
/* The 44-byte header of a WAV with one channel of s16 samples. */
MOTE_API void mote_wav_header(uint8_t header[44], uint32_t sample_rate, uint32_t samples);

/* ---- spectra ----------------------------------------------------------------------------------------------------- */

typedef enum mote_window { MOTE_WINDOW_RECTANGLE = 0, MOTE_WINDOW_HANN = 1, MOTE_WINDOW_HAMMING = 2, MOTE_WINDOW_BLACKMAN = 3, MOTE_WINDOW_POVEY = 4 } mote_window;

typedef struct mote_stft_options {
    size_t struct_size;
    const mote_allocator *allocator;
    size_t n_fft;            /* 2..65536, any number */
    size_t window_length;    /* <= n_fft, placed in its middle; 0: n_fft */
    mote_window window;      /* periodic (of N+1 points without the last), but Povey: symmetric */
} mote_stft_options;
#define MOTE_STFT_OPTIONS_INIT {sizeof(mote_stft_options), NULL, 512, 0, MOTE_WINDOW_HANN}

/* Tables for transforms of one size; immutable, threads may share it. */
typedef struct mote_stft mote_stft;
MOTE_API mote_status mote_stft_create(const mote_stft_options *options, mote_stft **out, mote_diag *diag);
MOTE_API void mote_stft_destroy(mote_stft **stft);
/* Bytes of scratch memory that one transform needs. */
MOTE_API size_t mote_stft_scratch_bytes(const mote_stft *stft);
/* X[k] = sum over t of w[t] x[t] exp(-2 pi i k t / n_fft), k = 0..n_fft/2: x f32[n_fft], out f32[n_fft/2+1][2] (real, imaginary). */
MOTE_API void mote_stft_forward(const mote_stft *stft, const float *x, float *out, void *scratch);
/* The inverse without the window: in f32[n_fft/2+1][2], out f32[n_fft]. */
MOTE_API void mote_stft_inverse(const mote_stft *stft, const float *in, float *out, void *scratch);

/* ---- mel --------------------------------------------------------------------------------------------------------- */

typedef enum mote_mel_scale { MOTE_MEL_HTK = 0, MOTE_MEL_SLANEY = 1 } mote_mel_scale;

typedef struct mote_mel_options {
    size_t struct_size;
    const mote_allocator *allocator;
    uint32_t sample_rate;
    size_t n_fft, n_mels;
    float f_min, f_max;      /* Hz; f_max 0: half the sample rate */
    mote_mel_scale scale;    /* HTK: 2595 log10(1 + f/700); Slaney: linear below 1 kHz, logarithmic above (Auditory Toolbox) */
    bool slaney_norm;        /* each filter's area is one */
} mote_mel_options;
#define MOTE_MEL_OPTIONS_INIT {sizeof(mote_mel_options), NULL, 16000, 512, 80, 0, 0, MOTE_MEL_HTK, false}

/* Triangular filters f32[n_mels][n_fft/2+1], as librosa.filters.mel and torchaudio.functional.melscale_fbanks make them. `out` holds them. */
MOTE_API mote_status mote_mel_filters(const mote_mel_options *options, float *out, mote_diag *diag);

typedef enum mote_log_kind { MOTE_LOG_NONE = 0, MOTE_LOG_NATURAL = 1, MOTE_LOG_10 = 2, MOTE_LOG_DB = 3 } mote_log_kind;

/* mel[m] = log(max(floor, sum over k of filters[m][k] power[k])); power f32[bins]. */
MOTE_API void mote_mel_apply(const float *filters, size_t n_mels, size_t bins, const float *power, mote_log_kind log_kind, float floor, float *out);

/* ---- frames ------------------------------------------------------------------------------------------------------ */

/* Features of a whole sound, frame by frame: frame f holds samples f*hop .. f*hop+window_length-1 (no frame is begun that the sound does not fill),
 * windowed, zeros behind up to n_fft; |STFT|^power; mel; log(floor + mel) or log(max(floor, mel)); with n_mfcc, the first coefficients of the
 * DCT-II times sqrt(2 / n_mels) / (k == 0 && orthonormal ? sqrt 2 : 1): as torchaudio, or as TensorFlow where not orthonormal. */
typedef struct mote_frames_options {
    size_t struct_size;
    uint32_t sample_rate;
    size_t n_fft, window_length, hop;
    mote_window window;
    unsigned power;          /* 1: magnitude, 2: power */
    size_t n_mels;
    float f_min, f_max;
    mote_mel_scale scale;
    bool slaney_norm;
    mote_log_kind log_kind;
    float floor;
    bool floor_added;
    size_t n_mfcc;           /* 0: mel values */
    bool orthonormal;
} mote_frames_options;
#define MOTE_FRAMES_OPTIONS_INIT                                                                                                                          \
    {sizeof(mote_frames_options), 16000, 512, 400, 160, MOTE_WINDOW_HANN, 2, 80, 0, 0, MOTE_MEL_HTK, false, MOTE_LOG_NATURAL, 1e-10f, false, 0, true}

/* Frames in n samples. */
MOTE_API size_t mote_frames_count(const mote_frames_options *options, size_t n);
/* out f32[frames][n_mfcc or n_mels]. Returns MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_LIMIT (filters of more than 4 million weights), MOTE_E_MEMORY. `allocator` (NULL: malloc) gives scratch memory. Thread-safe. */
MOTE_API mote_status mote_frames_compute(const mote_frames_options *options, const float *samples, size_t n, float *out, const mote_allocator *allocator,
                                         mote_diag *diag);

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* A model that consumes sound window by window: the samples of a window, preceded by the last `context` samples of the one before, go to `input`; states are
 * carried from outputs to inputs, zeros at first. */
typedef enum mote_stream_feature {
    MOTE_STREAM_SAMPLES = 0,    /* the input gets the samples: context + window of them */
    MOTE_STREAM_MAGNITUDE = 1,  /* it gets |STFT| of the last `window` samples, rectangular window: window/2+1 values */
} mote_stream_feature;

typedef struct mote_stream_state {
    const char *input, *output; /* names */
} mote_stream_state;

typedef struct mote_stream_options {
    size_t struct_size;
    const char *input;               /* the sound's input; NULL: the first that no state or constant takes */
    const char *output;              /* the result; NULL: the first that no state takes */
    size_t window;                   /* samples that a step looks at, context aside */
    size_t hop;                      /* new samples a step, <= window; 0: window */
    size_t context;
    mote_stream_feature feature;
    const mote_stream_state *states; /* borrowed during create */
    size_t n_states;
    const char *rate_input;          /* an integer input that takes the sample rate; NULL: none */
    uint32_t sample_rate;
    unsigned threads;
    double low, high;                /* declared range of the values that the sound's input takes; both 0: none */
} mote_stream_options;
#define MOTE_STREAM_OPTIONS_INIT {sizeof(mote_stream_options), NULL, NULL, 512, 0, 0, MOTE_STREAM_SAMPLES, NULL, 0, NULL, 16000, 1, 0, 0}

typedef struct mote_stream mote_stream;
/* Sees one step's result: values f32[count]; start: the first of the step's new samples, counted from the stream's beginning. False stops the push. */
typedef bool (*mote_stream_fn)(void *ctx, uint64_t start, const float *values, size_t count);

/* Makes a session of its own; the model must outlive nothing (sessions keep it). MOTE_E_ARGUMENT names an input or output that the model lacks; MOTE_E_SHAPE
 * one whose shape does not fit the window. */
MOTE_API mote_status mote_stream_create(mote_model *model, const mote_stream_options *options, mote_stream **out, mote_diag *diag);
MOTE_API void mote_stream_destroy(mote_stream **stream);
/* Takes any number of samples; runs a step for each `hop` of them that is complete. After the first step it allocates nothing. One thread.
 * MOTE_E_VALUE: a sample that is not finite (none of these is taken), or a step whose values leave the declared range. */
MOTE_API mote_status mote_stream_push(mote_stream *stream, const float *samples, size_t n, mote_stream_fn fn, void *ctx, mote_diag *diag);
/* Runs a last step on what is left, filled up with zeros. */
MOTE_API mote_status mote_stream_flush(mote_stream *stream, mote_stream_fn fn, void *ctx, mote_diag *diag);
/* Back to silence: states zero, nothing buffered. */
MOTE_API void mote_stream_reset(mote_stream *stream);

/* ---- speech ------------------------------------------------------------------------------------------------------ */

typedef struct mote_speech_options {
    size_t struct_size;
    uint32_t sample_rate;
    size_t hop;                  /* samples a probability */
    float threshold;             /* speech begins at or above */
    float end_threshold;         /* and ends below; 0: threshold - 0.15 */
    uint32_t min_speech_ms, min_silence_ms, pad_ms;
} mote_speech_options;
#define MOTE_SPEECH_OPTIONS_INIT {sizeof(mote_speech_options), 16000, 512, 0.5f, 0, 250, 100, 30}

typedef struct mote_span {
    uint64_t start, end; /* samples */
} mote_span;

/* Spans of speech in a sequence of probabilities. Returns how many there are; writes at most cap. */
MOTE_API size_t mote_speech_spans(const mote_speech_options *options, const float *probabilities, size_t n, uint64_t total_samples, mote_span *out,
                                  size_t cap);

#ifdef __cplusplus
}
#endif
#endif
