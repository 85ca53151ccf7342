/* quantize.c - the rows of the quantization family, their choice, 4-bit packing
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/quantize/quantize.h"

#define ROW(T, t, isa_name, isa_bits)                                                                                  \
    {"mote_quantize_f32_" #t "_" #isa_name, isa_bits, "mote_qadd_" #t "_" #isa_name, "mote_qmul_" #t "_" #isa_name, MOTE_Q_##T, \
     mote_quantize_f32_##t##_##isa_name,                                                                              \
     mote_dequantize_##t##_f32_##isa_name, mote_requantize_s32_##t##_##isa_name, mote_qadd_##t##_##isa_name,           \
     mote_qmul_##t##_##isa_name},

static const mote_quantize_row table[] = {
#if MOTE_X86_64
#define X(T, t) ROW(T, t, avx512, MOTE_CPU_AVX512)
    QUANTIZE_TYPES(X)
#undef X
#define X(T, t) ROW(T, t, avx2, MOTE_CPU_AVX2)
    QUANTIZE_TYPES(X)
#undef X
#endif
#if MOTE_AARCH64
#define X(T, t) ROW(T, t, neon, MOTE_CPU_NEON)
    QUANTIZE_TYPES(X)
#undef X
#endif
#define X(T, t) ROW(T, t, ref, MOTE_CPU_NONE)
    QUANTIZE_TYPES(X)
#undef X
};

const mote_quantize_row *mote_quantize_rows(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const mote_quantize_row *mote_quantize_select(mote_qtype type, uint32_t cpu)
{
    const mote_quantize_row *r = table;
    while (r->type != type || (r->isa & ~cpu) != 0)
        r++;
    return r;
}

#define CONVERT_ROW(isa_name, isa_bits)                                                                                \
    {"mote_convert_" #isa_name, isa_bits, mote_convert_f16_f32_##isa_name, mote_convert_f32_f16_##isa_name,            \
     mote_convert_bf16_f32_##isa_name, mote_convert_f32_bf16_##isa_name, mote_convert_u8_f32_##isa_name,               \
     mote_convert_s8_f32_##isa_name, mote_convert_s32_f32_##isa_name},
static const mote_convert_row converts[] = {
#if MOTE_X86_64
    CONVERT_ROW(avx512, MOTE_CPU_AVX512) CONVERT_ROW(avx2, MOTE_CPU_AVX2)
#endif
#if MOTE_AARCH64
        CONVERT_ROW(neon, MOTE_CPU_NEON)
#endif
            CONVERT_ROW(ref, MOTE_CPU_NONE)};

const mote_convert_row *mote_convert_rows(size_t *count)
{
    *count = sizeof converts / sizeof converts[0];
    return converts;
}

const mote_convert_row *mote_convert_select(uint32_t cpu)
{
    const mote_convert_row *r = converts;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}

static const mote_lookup_row lookups[] = {
#if MOTE_X86_64
    {"mote_lookup_u8_avx512vbmi", MOTE_CPU_AVX512 | MOTE_CPU_AVX512VBMI, mote_lookup_u8_avx512vbmi},
#endif
#if MOTE_AARCH64
    {"mote_lookup_u8_neon", MOTE_CPU_NEON, mote_lookup_u8_neon},
#endif
    {"mote_lookup_u8_ref", MOTE_CPU_NONE, mote_lookup_u8_ref},
};

const mote_lookup_row *mote_lookup_rows(size_t *count)
{
    *count = sizeof lookups / sizeof lookups[0];
    return lookups;
}

const mote_lookup_row *mote_lookup_select(uint32_t cpu)
{
    const mote_lookup_row *r = lookups;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}

void mote_dequantize_s32(const int32_t *x, float *y, size_t n, const float *scale, size_t step)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)x[i] * scale[i * step];
}

void mote_unpack4(const uint8_t *x, size_t first, void *y, size_t n, bool is_signed)
{
    uint8_t *out = y;
    const uint8_t flip = is_signed ? 8 : 0; /* (v ^ 8) - 8 extends the sign */
    for (size_t i = 0; i < n; i++) {
        size_t at = first + i;
        uint8_t v = (uint8_t)(x[at / 2] >> (at % 2 * 4) & 15);
        out[i] = (uint8_t)((v ^ flip) - flip);
    }
}

void mote_pack4(const uint8_t *x, uint8_t *y, size_t first, size_t n)
{
    for (size_t i = 0; i < n; i += 2)
        y[(first + i) / 2] = (uint8_t)((x[i] & 15) | (i + 1 < n ? x[i + 1] << 4 : 0));
}
