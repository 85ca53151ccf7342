/* dtype.c - element types: names, sizes, and every number type to and from f64 and i64
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "tensor/dtype.h"
#include "base/half.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

static const struct {
    char name[16];
    uint8_t bits;
} types[MOTE_DTYPE_COUNT] = {
    [MOTE_DTYPE_NONE] = {"undefined", 0},
    [MOTE_DTYPE_F32] = {"float32", 32},
    [MOTE_DTYPE_U8] = {"uint8", 8},
    [MOTE_DTYPE_S8] = {"int8", 8},
    [MOTE_DTYPE_U16] = {"uint16", 16},
    [MOTE_DTYPE_S16] = {"int16", 16},
    [MOTE_DTYPE_S32] = {"int32", 32},
    [MOTE_DTYPE_S64] = {"int64", 64},
    [MOTE_DTYPE_STRING] = {"string", 0},
    [MOTE_DTYPE_BOOL] = {"bool", 8},
    [MOTE_DTYPE_F16] = {"float16", 16},
    [MOTE_DTYPE_F64] = {"float64", 64},
    [MOTE_DTYPE_U32] = {"uint32", 32},
    [MOTE_DTYPE_U64] = {"uint64", 64},
    [MOTE_DTYPE_C64] = {"complex64", 64},
    [MOTE_DTYPE_C128] = {"complex128", 128},
    [MOTE_DTYPE_BF16] = {"bfloat16", 16},
    [MOTE_DTYPE_F8E4M3FN] = {"float8e4m3fn", 8},
    [MOTE_DTYPE_F8E4M3FNUZ] = {"float8e4m3fnuz", 8},
    [MOTE_DTYPE_F8E5M2] = {"float8e5m2", 8},
    [MOTE_DTYPE_F8E5M2FNUZ] = {"float8e5m2fnuz", 8},
    [MOTE_DTYPE_U4] = {"uint4", 4},
    [MOTE_DTYPE_S4] = {"int4", 4},
    [MOTE_DTYPE_F4E2M1] = {"float4e2m1", 4},
    [MOTE_DTYPE_F8E8M0] = {"float8e8m0", 8},
    [MOTE_DTYPE_U2] = {"uint2", 2},
    [MOTE_DTYPE_S2] = {"int2", 2},
};

const char *mote_dtype_name(mote_dtype t) { return types[mote_dtype_valid((int64_t)t) ? t : MOTE_DTYPE_NONE].name; }

unsigned mote_dtype_bits(mote_dtype t) { return mote_dtype_valid((int64_t)t) ? types[t].bits : 0; }

bool mote_dtype_bytes(mote_dtype t, size_t count, size_t *bytes)
{
    if (!mote_dtype_valid((int64_t)t))
        return false;
    if (t == MOTE_DTYPE_STRING)
        return mote_size_mul(count, sizeof(mote_string), bytes);
    if (types[t].bits >= 8)
        return mote_size_mul(count, types[t].bits / 8, bytes);
    *bytes = mote_div_up(count, 8u / types[t].bits);
    return true;
}

mote_dtype mote_dtype_from_name(const char *name, size_t n)
{
    static const struct {
        char name[8];
        mote_dtype type;
    } more[] = {{"float", MOTE_DTYPE_F32}, {"double", MOTE_DTYPE_F64}};
    for (int t = 1; t < MOTE_DTYPE_COUNT; t++)
        if (n == strlen(types[t].name) && memcmp(name, types[t].name, n) == 0)
            return (mote_dtype)t;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (n == strlen(more[i].name) && memcmp(name, more[i].name, n) == 0)
            return more[i].type;
    return MOTE_DTYPE_NONE;
}

/* ---- small floats: sign, exponent and mantissa bits from the top ------------------------------------------------ */

typedef struct small_float {
    uint8_t mantissa, bias, max; /* mantissa bits; exponent bias; the code of the largest finite value */
    uint8_t nan, inf;            /* codes without sign; 0: there is none, or as `uz` says */
    uint8_t sign;                /* the sign's bit */
    bool uz;                     /* no negative zero: that code is the NaN */
} small_float;

static const small_float f8e4m3fn = {3, 7, 0x7e, 0x7f, 0, 0x80, false};
static const small_float f8e4m3fnuz = {3, 8, 0x7f, 0, 0, 0x80, true};
static const small_float f8e5m2 = {2, 15, 0x7b, 0x7f, 0x7c, 0x80, false};
static const small_float f8e5m2fnuz = {2, 16, 0x7f, 0, 0, 0x80, true};
static const small_float f4e2m1 = {1, 1, 0x07, 0, 0, 0x08, false};

static const small_float *small_format(mote_dtype t)
{
    switch (t) {
    case MOTE_DTYPE_F8E4M3FN: return &f8e4m3fn;
    case MOTE_DTYPE_F8E4M3FNUZ: return &f8e4m3fnuz;
    case MOTE_DTYPE_F8E5M2: return &f8e5m2;
    case MOTE_DTYPE_F8E5M2FNUZ: return &f8e5m2fnuz;
    case MOTE_DTYPE_F4E2M1: return &f4e2m1;
    default: return NULL;
    }
}

/* The value of a code without sign, at most f->max. */
static double small_value(const small_float *f, unsigned code)
{
    int e = (int)(code >> f->mantissa), m = (int)(code & ((1u << f->mantissa) - 1));
    return e == 0 ? ldexp(m, 1 - f->bias - f->mantissa) : ldexp(m + (1 << f->mantissa), e - f->bias - f->mantissa);
}

static double small_to_f64(const small_float *f, unsigned code)
{
    unsigned a = code & (f->sign - 1u);
    if (f->uz && code == f->sign)
        return (double)NAN;
    double x = a <= f->max ? small_value(f, a) : f->inf != 0 && a == f->inf ? (double)INFINITY : (double)NAN;
    return (code & f->sign) != 0 ? -x : x;
}

/* Nearest, ties to the even code; beyond the largest value, infinity included, the largest value. */
static unsigned small_from_f64(const small_float *f, double x)
{
    unsigned sign = signbit(x) ? f->sign : 0;
    if (isnan(x))
        return f->uz ? f->sign : f->nan == 0 ? 0 : sign | f->nan;
    double a = fabs(x);
    unsigned lo = 0, hi = f->max; /* values grow with codes: the largest code whose value is not above a */
    while (lo < hi) {
        unsigned mid = (lo + hi + 1) / 2;
        if (small_value(f, mid) <= a)
            lo = mid;
        else
            hi = mid - 1;
    }
    if (lo < f->max) {
        double below = a - small_value(f, lo), above = small_value(f, lo + 1) - a;
        if (below > above || (below == above && (lo & 1) != 0))
            lo++;
    }
    return lo == 0 && f->uz ? 0 : sign | lo;
}

/* Powers of two from 2^-127; rounds up, as Cast does unless told otherwise. Negative numbers have no code but NaN's. */
static unsigned e8m0_from_f64(double x)
{
    if (isnan(x) || x < 0)
        return 0xff;
    if (x <= 0x1p-127)
        return 0;
    if (x >= 0x1p127)
        return 0xfe;
    int e;
    double m = frexp(x, &e); /* x = m * 2^e, m in [0.5, 1) */
    return (unsigned)(e + 127 - (m == 0.5));
}

/* f64 to f32 with the last bit set where the result is inexact (rounding to odd): rounding that again to 22 or fewer bits
 * gives what rounding the f64 once gives. */
static float f32_to_odd(double x)
{
    float f = (float)x;
    if (isnan(x) || (double)f == x)
        return f;
    uint32_t u = mote_f32_bits(f);
    if (fabs((double)f) > fabs(x))
        u--;
    return mote_f32_from_bits(u | 1);
}

/* ---- elements --------------------------------------------------------------------------------------------------- */

static unsigned packed_get(const void *data, size_t i, unsigned bits)
{
    size_t per = 8 / bits;
    return (unsigned)((const uint8_t *)data)[i / per] >> (i % per * bits) & ((1u << bits) - 1);
}

static void packed_set(void *data, size_t i, unsigned bits, unsigned value)
{
    size_t per = 8 / bits;
    unsigned shift = (unsigned)(i % per) * bits, mask = ((1u << bits) - 1) << shift;
    uint8_t *p = (uint8_t *)data + i / per;
    *p = (uint8_t)((*p & ~mask) | (value << shift & mask));
}

#define LOAD(type, data, i)                                                                                            \
    type v;                                                                                                            \
    memcpy(&v, (const char *)(data) + (i) * sizeof v, sizeof v)
#define STORE(type, data, i, x)                                                                                        \
    do {                                                                                                               \
        type v = (type)(x);                                                                                            \
        memcpy((char *)(data) + (i) * sizeof v, &v, sizeof v);                                                         \
    } while (0)

int64_t mote_dtype_to_i64(mote_dtype t, const void *data, size_t i)
{
    switch (t) {
    case MOTE_DTYPE_U8: return ((const uint8_t *)data)[i];
    case MOTE_DTYPE_S8: return ((const int8_t *)data)[i];
    case MOTE_DTYPE_BOOL: return ((const uint8_t *)data)[i] != 0;
    case MOTE_DTYPE_U16: {
        LOAD(uint16_t, data, i);
        return v;
    }
    case MOTE_DTYPE_S16: {
        LOAD(int16_t, data, i);
        return v;
    }
    case MOTE_DTYPE_U32: {
        LOAD(uint32_t, data, i);
        return v;
    }
    case MOTE_DTYPE_S32: {
        LOAD(int32_t, data, i);
        return v;
    }
    case MOTE_DTYPE_U64:
    case MOTE_DTYPE_S64: {
        LOAD(int64_t, data, i);
        return v;
    }
    case MOTE_DTYPE_U4: return packed_get(data, i, 4);
    case MOTE_DTYPE_S4: return (int)(packed_get(data, i, 4) ^ 8u) - 8;
    case MOTE_DTYPE_U2: return packed_get(data, i, 2);
    case MOTE_DTYPE_S2: return (int)(packed_get(data, i, 2) ^ 2u) - 2;
    default: return 0;
    }
}

void mote_dtype_from_i64(mote_dtype t, void *data, size_t i, int64_t x)
{
    uint64_t u = (uint64_t)x;
    switch (t) {
    case MOTE_DTYPE_U8:
    case MOTE_DTYPE_S8: ((uint8_t *)data)[i] = (uint8_t)u; break;
    case MOTE_DTYPE_BOOL: ((uint8_t *)data)[i] = x != 0; break;
    case MOTE_DTYPE_U16:
    case MOTE_DTYPE_S16: STORE(uint16_t, data, i, u); break;
    case MOTE_DTYPE_U32:
    case MOTE_DTYPE_S32: STORE(uint32_t, data, i, u); break;
    case MOTE_DTYPE_U64:
    case MOTE_DTYPE_S64: STORE(uint64_t, data, i, u); break;
    case MOTE_DTYPE_U4:
    case MOTE_DTYPE_S4: packed_set(data, i, 4, (unsigned)(u & 15)); break;
    case MOTE_DTYPE_U2:
    case MOTE_DTYPE_S2: packed_set(data, i, 2, (unsigned)(u & 3)); break;
    default: break;
    }
}

double mote_dtype_to_f64(mote_dtype t, const void *data, size_t i)
{
    switch (t) {
    case MOTE_DTYPE_F32: {
        LOAD(float, data, i);
        return (double)v;
    }
    case MOTE_DTYPE_F64: {
        LOAD(double, data, i);
        return v;
    }
    case MOTE_DTYPE_F16: {
        LOAD(uint16_t, data, i);
        return (double)mote_f32_from_f16(v);
    }
    case MOTE_DTYPE_BF16: {
        LOAD(uint16_t, data, i);
        return (double)mote_f32_from_bf16(v);
    }
    case MOTE_DTYPE_U64: {
        LOAD(uint64_t, data, i);
        return (double)v;
    }
    case MOTE_DTYPE_F8E4M3FN:
    case MOTE_DTYPE_F8E4M3FNUZ:
    case MOTE_DTYPE_F8E5M2:
    case MOTE_DTYPE_F8E5M2FNUZ: return small_to_f64(small_format(t), ((const uint8_t *)data)[i]);
    case MOTE_DTYPE_F4E2M1: return small_to_f64(&f4e2m1, packed_get(data, i, 4));
    case MOTE_DTYPE_F8E8M0: {
        uint8_t code = ((const uint8_t *)data)[i];
        return code == 0xff ? (double)NAN : ldexp(1, code - 127);
    }
    default: return (double)mote_dtype_to_i64(t, data, i);
    }
}

void mote_dtype_from_f64(mote_dtype t, void *data, size_t i, double x)
{
    switch (t) {
    case MOTE_DTYPE_F32: STORE(float, data, i, x); return;
    case MOTE_DTYPE_F64: STORE(double, data, i, x); return;
    case MOTE_DTYPE_F16: STORE(uint16_t, data, i, mote_f16_from_f32(f32_to_odd(x))); return;
    case MOTE_DTYPE_BF16: STORE(uint16_t, data, i, mote_bf16_from_f32(f32_to_odd(x))); return;
    case MOTE_DTYPE_BOOL: ((uint8_t *)data)[i] = x != 0; return;
    case MOTE_DTYPE_F8E4M3FN:
    case MOTE_DTYPE_F8E4M3FNUZ:
    case MOTE_DTYPE_F8E5M2:
    case MOTE_DTYPE_F8E5M2FNUZ: ((uint8_t *)data)[i] = (uint8_t)small_from_f64(small_format(t), x); return;
    case MOTE_DTYPE_F4E2M1: packed_set(data, i, 4, small_from_f64(&f4e2m1, x)); return;
    case MOTE_DTYPE_F8E8M0: ((uint8_t *)data)[i] = (uint8_t)e8m0_from_f64(x); return;
    case MOTE_DTYPE_U64:
        STORE(uint64_t, data, i, isnan(x) || x <= 0 ? 0 : x >= 0x1p64 ? UINT64_MAX : (uint64_t)x);
        return;
    default: break;
    }
    unsigned bits = mote_dtype_bits(t);
    if (bits == 0 || !mote_dtype_in(t, MOTE_DTYPES_INT | MOTE_DTYPES_SUBBYTE))
        return;
    bool is_signed = mote_dtype_in(t, MOTE_DTYPES_SINT | MOTE_DT(S4) | MOTE_DT(S2));
    double above = ldexp(1, (int)bits - is_signed); /* one past the largest: exact also for 64 bits */
    int64_t largest = (int64_t)((UINT64_C(1) << (bits - is_signed)) - 1);
    int64_t smallest = is_signed ? -largest - 1 : 0;
    mote_dtype_from_i64(t, data, i,
                        isnan(x) ? 0 : x >= above ? largest : x <= (double)smallest ? smallest : (int64_t)x);
}
