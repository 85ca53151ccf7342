/* wav.c - RIFF/WAVE
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: Multimedia Programming Interface and Data Specifications 1.0 (1991); WAVEFORMATEXTENSIBLE. */
#include "base/platform.h"
#include "base/diag.h"
#include <mote/mote_audio.h>
#include <string.h>

enum { PCM = 1, FLOAT = 3, EXTENSIBLE = 0xfffe, MAX_CHANNELS = 64 };
#define UNKNOWN UINT32_MAX /* the size that a program writes which cannot go back to it */

static uint32_t u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }

static mote_status read_format(const uint8_t *p, size_t n, mote_wav *w, mote_diag *diag)
{
    MOTE_REQUIRE(n >= 16, diag, MOTE_E_FORMAT, "WAV: a format chunk of %zu bytes", n);
    uint32_t tag = u16(p), block = u16(p + 12);
    w->channels = u16(p + 2);
    w->sample_rate = u32(p + 4);
    w->bits = u16(p + 14);
    if (tag == EXTENSIBLE) {
        static const uint8_t tail[14] = {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71};
        MOTE_REQUIRE(n >= 40 && memcmp(p + 26, tail, sizeof tail) == 0, diag, MOTE_E_UNSUPPORTED, "WAV: an extensible format that is neither PCM nor float");
        tag = u16(p + 24);
    }
    w->is_float = tag == FLOAT;
    MOTE_REQUIRE(tag == PCM || tag == FLOAT, diag, MOTE_E_UNSUPPORTED, "WAV: encoding %u; PCM and float are read", tag);
    bool known = w->is_float ? w->bits == 32 || w->bits == 64 : w->bits == 8 || w->bits == 16 || w->bits == 24 || w->bits == 32;
    MOTE_REQUIRE(known, diag, MOTE_E_UNSUPPORTED, "WAV: %s of %u bits", w->is_float ? "float" : "PCM", w->bits);
    MOTE_REQUIRE(w->channels >= 1 && w->channels <= MAX_CHANNELS && w->sample_rate >= 1 && w->sample_rate <= 1000000, diag, MOTE_E_UNSUPPORTED,
                 "WAV: %u channels at %u Hz", w->channels, w->sample_rate);
    MOTE_REQUIRE(block == w->channels * (w->bits / 8), diag, MOTE_E_FORMAT, "WAV: frames of %u bytes, expected %u", block, w->channels * (w->bits / 8));
    return MOTE_OK;
}

mote_status mote_wav_parse(const void *bytes, size_t n, bool lenient, mote_wav *out, mote_diag *diag)
{
    MOTE_REQUIRE(bytes != NULL && out != NULL && out->struct_size >= sizeof *out, diag, MOTE_E_ARGUMENT, "a NULL argument");
    const uint8_t *p = bytes;
    *out = (mote_wav)MOTE_WAV_INIT;
    MOTE_REQUIRE(n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WAVE", 4) == 0, diag, MOTE_E_FORMAT, "not a WAV file");
    bool format = false;
    for (size_t at = 12; n - at >= 8;) {
        size_t size = u32(p + at + 4), left = n - at - 8;
        if (memcmp(p + at, "fmt ", 4) == 0) {
            MOTE_REQUIRE(size <= left && !format, diag, MOTE_E_FORMAT, "WAV: the format chunk is cut off or stands twice");
            MOTE_TRY(read_format(p + at + 8, size, out, diag));
            format = true;
        } else if (memcmp(p + at, "data", 4) == 0) {
            MOTE_REQUIRE(format, diag, MOTE_E_FORMAT, "WAV: data before its format");
            const uint32_t riff = u32(p + 4);
            if (size == UNKNOWN || (riff == UNKNOWN && size > left) || (size == 0 && (riff == UNKNOWN || riff == 0)))
                size = left;
            MOTE_REQUIRE(size <= left || lenient, diag, MOTE_E_FORMAT, "WAV: %zu bytes of sound, %zu are there", size, left);
            size_t frame = (size_t)out->channels * (out->bits / 8), there = size < left ? size : left;
            out->frames = there / frame;
            out->data = p + at + 8;
            return MOTE_OK;
        }
        if (size > left || size + (size & 1) > left)
            break;
        at += 8 + size + (size & 1); /* chunks are padded to even lengths */
    }
    MOTE_FAIL(diag, MOTE_E_FORMAT, "WAV: no %s", format ? "data" : "format");
}

static float sample(const uint8_t *p, const mote_wav *w)
{
    if (w->is_float && w->bits == 32) {
        float x;
        memcpy(&x, p, 4);
        return x;
    }
    if (w->is_float) {
        double x;
        memcpy(&x, p, 8);
        return (float)x;
    }
    switch (w->bits) {
    case 8: return ((float)p[0] - 128.0f) / 128.0f;
    case 16: return (float)(int16_t)u16(p) / 32768.0f;
    case 24: return (float)((int32_t)((uint32_t)p[0] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 24) >> 8) / 8388608.0f;
    default: return (float)((double)(int32_t)u32(p) / 2147483648.0);
    }
}

size_t mote_wav_mono(const mote_wav *w, uint64_t first, size_t count, float *out)
{
    if (w == NULL || out == NULL || first >= w->frames)
        return 0;
    uint64_t left = w->frames - first;
    size_t n = left < count ? (size_t)left : count, width = w->bits / 8, frame = width * w->channels;
    const uint8_t *p = (const uint8_t *)w->data + (size_t)first * frame;
    for (size_t i = 0; i < n; i++, p += frame) {
        float sum = 0;
        for (uint32_t c = 0; c < w->channels; c++)
            sum += sample(p + c * width, w);
        out[i] = w->channels == 1 ? sum : sum / (float)w->channels;
    }
    return n;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

void mote_wav_header(uint8_t h[44], uint32_t sample_rate, uint32_t samples)
{
    memcpy(h, "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\2\0\x10\0data", 40);
    put32(h + 4, 36 + samples * 2);
    put32(h + 24, sample_rate);
    put32(h + 28, sample_rate * 2);
    put32(h + 40, samples * 2);
}
