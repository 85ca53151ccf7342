/* cast.c - conversion of element types: Cast, CastLike, BitCast
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Cast 6 to 28, CastLike 15 to 25, BitCast 26. What the definition leaves open: a float beyond a 32- or 64-bit integer type gives the
 * nearest one, NaN gives 0; narrower types keep the low bits of the truncated value. Text: the shortest decimal number that reads back as the same
 * value, without an exponent from 1e-4 to 1e16; "NaN", "INF", "-INF"; bool as 0 and 1. */
#include "base/platform.h"
#include "base/decimal.h"
#include "base/half.h"
#include "base/size.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/types.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 256, TEXT_MAX = 40 };

static mote_status infer_to(mote_infer *c, int64_t to)
{
    MOTE_REQUIRE(mote_dtype_valid(to), c->diag, MOTE_E_UNSUPPORTED, "to is %lld, which is no element type that is known",
                 (long long)to);
    mote_infer_out(c, 0, (mote_dtype)to, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static mote_status infer_cast(mote_infer *c) { return infer_to(c, mote_node_int(c->node, "to", 0)); }

static mote_status infer_cast_like(mote_infer *c)
{
    if (c->in[1]->dtype != MOTE_DTYPE_NONE)
        return infer_to(c, (int64_t)c->in[1]->dtype);
    mote_infer_out(c, 0, MOTE_DTYPE_NONE, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

/* ---- float8 with the attributes saturate and round_mode ---- */

/* Without saturation: what is beyond the largest value after rounding is infinity where the type has one, else NaN. */
static void store_f8_open(mote_dtype t, uint8_t *y, double x)
{
    double a = fabs(x), limit = t == MOTE_DTYPE_F8E4M3FN ? 464 : t == MOTE_DTYPE_F8E4M3FNUZ ? 248 : 61440;
    bool over = t == MOTE_DTYPE_F8E4M3FN ? a > limit : a >= limit; /* the tie goes to the even code: down to 448, up from the others */
    unsigned sign = signbit(x) ? 0x80 : 0;
    if (!over)
        mote_dtype_from_f64(t, y, 0, x);
    else
        *y = (uint8_t)(t == MOTE_DTYPE_F8E4M3FN ? sign | 0x7f : t == MOTE_DTYPE_F8E5M2 ? sign | 0x7c : 0x80);
}

typedef enum e8m0_round { UP, DOWN, NEAREST } e8m0_round;

/* A power of two of the magnitude of x, 2^-127 (code 0) to 2^127 (254); 255 is NaN. */
static uint8_t e8m0_from(double x, e8m0_round round, bool saturate)
{
    if (isnan(x) || (isinf(x) && !saturate))
        return 255;
    double a = fabs(x);
    if (isinf(a))
        return 254;
    if (a < 0x1p-127)
        return saturate ? 0 : 255;
    int e;
    double m = 2 * frexp(a, &e); /* a = m 2^(e-1), m in [1, 2) */
    int code = e - 1 + 127 + ((round == UP && m > 1) || (round == NEAREST && m >= 1.5));
    return code <= 254 ? (uint8_t)code : saturate ? 254 : 255;
}

/* ---- text ---- */

/* The shortest decimal digits that read back as x; returns their number, and the position of the point after the first digit as a power of ten. */
static int shortest_digits(double x, bool single, char *digits, int *exponent)
{
    char text[TEXT_MAX];
    for (int precision = 0; precision <= 17; precision++) {
        double back = 0;
        int n = snprintf(text, sizeof text, "%.*e", precision, x), count = 0;
        char clean[TEXT_MAX];
        /* the locale's point becomes a point */
        for (int i = 0; i <= n; i++)
            clean[i] = i == 1 && precision > 0 ? '.' : text[i];
        mote_f64_from_text(clean, (size_t)n, &back);
        if (single ? (float)back != (float)x : back != x)
            continue;
        const char *e = strchr(clean, 'e');
        for (const char *p = clean; p < e; p++)
            if (*p != '.')
                digits[count++] = *p;
        bool negative = e[1] == '-';
        *exponent = 0;
        for (const char *p = e + 2; *p != 0; p++)
            *exponent = *exponent * 10 + (*p - '0');
        if (negative)
            *exponent = -*exponent;
        return count;
    }
    return 0;
}

static int print_float(double x, bool single, char *out)
{
    if (isnan(x))
        return snprintf(out, TEXT_MAX, "NaN");
    if (isinf(x))
        return snprintf(out, TEXT_MAX, x < 0 ? "-INF" : "INF");
    char digits[TEXT_MAX];
    int exponent = 0, at = 0, n = x == 0 ? 1 : shortest_digits(fabs(x), single, digits, &exponent);
    if (x == 0)
        digits[0] = '0';
    if (signbit(x))
        out[at++] = '-';
    if (exponent < -4 || exponent >= 16) {
        out[at++] = digits[0];
        if (n > 1)
            out[at++] = '.';
        for (int i = 1; i < n; i++)
            out[at++] = digits[i];
        return at + snprintf(out + at, (size_t)(TEXT_MAX - at), "e%c%02d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
    }
    if (exponent < 0) {
        out[at++] = '0';
        out[at++] = '.';
        for (int i = -1; i > exponent; i--)
            out[at++] = '0';
    }
    for (int i = 0; i < n || i <= exponent; i++) {
        out[at++] = i < n ? digits[i] : '0';
        if (i == exponent) {
            out[at++] = '.';
            if (i + 1 >= n)
                out[at++] = '0';
        }
    }
    return at;
}

static int print_element(const mote_array *x, size_t i, char *out)
{
    switch (mote_class_of(x->dtype)) {
    case MOTE_CLASS_S64: return snprintf(out, TEXT_MAX, "%lld", (long long)mote_array_i64(x, i));
    case MOTE_CLASS_U64: return snprintf(out, TEXT_MAX, "%llu", (unsigned long long)mote_array_i64(x, i));
    case MOTE_CLASS_F32: return print_float(mote_array_f64(x, i), true, out);
    case MOTE_CLASS_F64: break;
    }
    return print_float(mote_array_f64(x, i), false, out);
}

static mote_status to_text(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    mote_string *s = y->data;
    size_t n = mote_array_count(x), total = 0;
    char text[TEXT_MAX];
    for (size_t i = 0; i < n; i++) {
        s[i].length = (size_t)print_element(x, i, text);
        total += s[i].length;
    }
    char *chars = n == 0 ? NULL : c->output_chars(c, 0, total);
    if (n != 0 && chars == NULL)
        return MOTE_NO_MEMORY(c->diag, total);
    for (size_t i = 0; i < n; i++) {
        print_element(x, i, text);
        memcpy(chars, text, s[i].length);
        s[i].data = chars;
        chars += s[i].length;
    }
    return MOTE_OK;
}

static bool same_letters(const char *p, size_t n, const char *lower)
{
    if (n != strlen(lower))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((p[i] | 0x20) != lower[i])
            return false;
    return true;
}

static bool read_float(mote_string s, double *x)
{
    const char *p = s.data;
    size_t n = s.length;
    while (n > 0 && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
        p++, n--;
    while (n > 0 && (p[n - 1] == ' ' || (p[n - 1] >= '\t' && p[n - 1] <= '\r')))
        n--;
    if (mote_f64_from_text(p, n, x))
        return true;
    bool negative = n > 0 && *p == '-';
    if (n > 0 && (*p == '-' || *p == '+'))
        p++, n--;
    if (same_letters(p, n, "inf") || same_letters(p, n, "infinity"))
        *x = negative ? -INFINITY : INFINITY;
    else if (same_letters(p, n, "nan"))
        *x = NAN;
    else
        return false;
    return true;
}

/* Digits alone are read exactly, as 64 bits. */
static bool read_int(mote_string s, int64_t *x)
{
    size_t i = 0;
    bool negative = s.length > 0 && s.data[0] == '-';
    if (s.length > 0 && (s.data[0] == '-' || s.data[0] == '+'))
        i++;
    uint64_t v = 0;
    bool any = false;
    for (; i < s.length; i++, any = true) {
        unsigned digit = (unsigned)(unsigned char)s.data[i] - '0';
        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *x = (int64_t)(negative ? 0 - v : v);
    return any;
}

static int64_t int_from_double(mote_dtype t, double x)
{
    x = trunc(x);
    if (mote_dtype_bits(t) >= 32) {
        uint64_t v = 0;
        mote_dtype_from_f64(t, &v, 0, x);
        return mote_dtype_to_i64(t, &v, 0);
    }
    return isnan(x) ? 0 : x < -0x1p63 ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x;
}

static mote_status from_text(mote_eval *c)
{
    const mote_string *s = c->in[0]->data;
    const mote_array *y = c->out[0];
    mote_class cls = mote_class_of(y->dtype);
    for (size_t i = 0, n = mote_array_count(y); i < n; i++) {
        double x;
        int64_t v;
        if ((cls == MOTE_CLASS_S64 || cls == MOTE_CLASS_U64) && read_int(s[i], &v)) {
            mote_dtype_from_i64(y->dtype, y->data, i, v);
            continue;
        }
        MOTE_REQUIRE(read_float(s[i], &x), c->diag, MOTE_E_VALUE, "element %zu is '%.*s', expected a number", i,
                     (int)mote_min_size(s[i].length, 60), s[i].data);
        if (y->dtype == MOTE_DTYPE_BOOL)
            ((uint8_t *)y->data)[i] = x != 0;
        else if (cls == MOTE_CLASS_S64 || cls == MOTE_CLASS_U64)
            mote_dtype_from_i64(y->dtype, y->data, i, int_from_double(y->dtype, x));
        else
            mote_dtype_from_f64(y->dtype, y->data, i, x);
    }
    return MOTE_OK;
}

/* ---- numbers ---- */

typedef union block {
    float f32[BLOCK];
    double f64[BLOCK];
    int64_t s64[BLOCK];
    uint64_t u64[BLOCK];
} block;

/* From class `from` in a to class `to` in b, for type t. Float results are rounded to odd where t is narrower than float, so that the store's
 * rounding is the only one. */
static void convert(mote_class from, const block *a, mote_class to, mote_dtype t, block *b, size_t n)
{
    bool ints = from == MOTE_CLASS_S64 || from == MOTE_CLASS_U64;
    if (to == MOTE_CLASS_F32 || to == MOTE_CLASS_F64) {
        for (size_t k = 0; k < n; k++)
            if (to == MOTE_CLASS_F64)
                b->f64[k] = from == MOTE_CLASS_F32   ? (double)a->f32[k]
                            : from == MOTE_CLASS_F64 ? a->f64[k]
                            : from == MOTE_CLASS_S64 ? (double)a->s64[k]
                                                     : (double)a->u64[k];
            else
                b->f32[k] = from == MOTE_CLASS_F32   ? a->f32[k]
                            : from == MOTE_CLASS_F64 ? (float)a->f64[k]
                            : from == MOTE_CLASS_S64 ? (float)a->s64[k]
                                                     : (float)a->u64[k];
        return;
    }
    for (size_t k = 0; k < n; k++) {
        double x = from == MOTE_CLASS_F32 ? (double)a->f32[k] : from == MOTE_CLASS_F64 ? a->f64[k] : 0;
        b->s64[k] = ints ? a->s64[k] : t == MOTE_DTYPE_BOOL ? x != 0 : int_from_double(t, x);
    }
}

static double wide(mote_class cls, const block *a, size_t k)
{
    return cls == MOTE_CLASS_F32   ? (double)a->f32[k]
           : cls == MOTE_CLASS_F64 ? a->f64[k]
           : cls == MOTE_CLASS_S64 ? (double)a->s64[k]
                                   : (double)a->u64[k];
}

static mote_status eval_cast(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    if (x->dtype == y->dtype)
        return mote_eval_view(c);
    if (y->dtype == MOTE_DTYPE_STRING)
        return to_text(c);
    if (x->dtype == MOTE_DTYPE_STRING)
        return from_text(c);
    bool saturate = mote_node_int(c->node, "saturate", 1) != 0;
    mote_str mode = mote_node_string(c->node, "round_mode", "up");
    e8m0_round round = mote_str_is(mode, "down") ? DOWN : mote_str_is(mode, "nearest") ? NEAREST : UP;
    MOTE_REQUIRE(round != UP || mote_str_is(mode, "up"), c->diag, MOTE_E_VALUE,
                 "round_mode is '%.*s', expected up, down or nearest", MOTE_STR_ARG(mode));
    mote_class from = mote_class_of(x->dtype), to = mote_class_of(y->dtype);
    /* these are rounded from double, once; f32 to f16 and bf16 needs no detour */
    bool narrow = to == MOTE_CLASS_F32 && y->dtype != MOTE_DTYPE_F32 &&
                  (from != MOTE_CLASS_F32 || !mote_dtype_in(y->dtype, MOTE_DT(F16) | MOTE_DT(BF16)));
    bool open_f8 = !saturate && mote_dtype_in(y->dtype, MOTE_T_F8_19);
    block a, b;
    for (size_t i = 0, count = mote_array_count(x); i < count; i += BLOCK) {
        size_t n = mote_min_size(count - i, BLOCK);
        mote_elements_load(x->dtype, x->data, i, 1, n, &a);
        if (y->dtype == MOTE_DTYPE_F8E8M0) {
            for (size_t k = 0; k < n; k++)
                ((uint8_t *)y->data)[i + k] = e8m0_from(wide(from, &a, k), round, saturate);
        } else if (open_f8) {
            for (size_t k = 0; k < n; k++)
                store_f8_open(y->dtype, (uint8_t *)y->data + i + k, wide(from, &a, k));
        } else if (narrow) {
            for (size_t k = 0; k < n; k++)
                mote_dtype_from_f64(y->dtype, y->data, i + k, wide(from, &a, k));
        } else {
            convert(from, &a, to, y->dtype, &b, n);
            mote_elements_store(y->dtype, y->data, i, n, &b);
        }
    }
    return MOTE_OK;
}

/* ---- BitCast ---- */

static mote_status infer_bit_cast(mote_infer *c)
{
    int64_t to = mote_node_int(c->node, "to", 0);
    mote_dtype from = c->in[0]->dtype;
    MOTE_TRY(infer_to(c, to));
    MOTE_REQUIRE(to != MOTE_DTYPE_STRING, c->diag, MOTE_E_DTYPE, "to is string, which has no bits to read");
    MOTE_REQUIRE(from == MOTE_DTYPE_NONE || mote_dtype_bits(from) == mote_dtype_bits((mote_dtype)to), c->diag, MOTE_E_DTYPE,
                 "%s has %u bits and %s has %u, expected equally many", mote_dtype_name(from), mote_dtype_bits(from),
                 mote_dtype_name((mote_dtype)to), mote_dtype_bits((mote_dtype)to));
    return MOTE_OK;
}

static mote_status eval_bit_cast(mote_eval *c)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    if (y->dtype != MOTE_DTYPE_BOOL)
        return mote_eval_view(c);
    for (size_t i = 0; i < x->bytes; i++) /* any other byte would not be a bool */
        ((uint8_t *)y->data)[i] = ((const uint8_t *)x->data)[i] != 0;
    return MOTE_OK;
}

#define CAST_6(t1, t2)                                                                                                  \
    .in = "input:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", t1, 0}, {"T2", t2, 0}),                                      \
    .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "to")), .flags = MOTE_OP_ELEMENTWISE, .infer = infer_cast,                           \
    .eval = eval_cast, .doc = MOTE_DOC("y = x as the type `to`")
MOTE_OP(onnx, Cast, 6, CAST_6(MOTE_T_NUM_BOOL_7, MOTE_T_NUM_BOOL_7));
MOTE_OP(onnx, Cast, 9, CAST_6((MOTE_T_ALL_7 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_7 & ~MOTE_DTYPES_COMPLEX)));
MOTE_OP(onnx, Cast, 13, CAST_6((MOTE_T_ALL_13 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_13 & ~MOTE_DTYPES_COMPLEX)));
#define CAST_19(t1, t2)                                                                                                 \
    .in = "input:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", t1, 0}, {"T2", t2, 0}),                                      \
    .attrs = MOTE_ATTRS(MOTE_A_INT("saturate", 1), MOTE_A_REQUIRED(INT, "to")), .flags = MOTE_OP_ELEMENTWISE,                     \
    .infer = infer_cast, .eval = eval_cast, .doc = MOTE_DOC("y = x as the type `to`")
MOTE_OP(onnx, Cast, 19, CAST_19((MOTE_T_ALL_19 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_19 & ~MOTE_DTYPES_COMPLEX)));
MOTE_OP(onnx, Cast, 21, CAST_19((MOTE_T_ALL_21 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_21 & ~MOTE_DTYPES_COMPLEX)));
MOTE_OP(onnx, Cast, 23, CAST_19((MOTE_T_ALL_23 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_23 & ~MOTE_DTYPES_COMPLEX)));
#define CAST_24(t1, t2)                                                                                                 \
    .in = "input:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", t1, 0}, {"T2", t2, 0}),                                      \
    .attrs = MOTE_ATTRS(MOTE_A_STRING("round_mode", "up"), MOTE_A_INT("saturate", 1), MOTE_A_REQUIRED(INT, "to")),                \
    .flags = MOTE_OP_ELEMENTWISE, .infer = infer_cast, .eval = eval_cast, .doc = MOTE_DOC("y = x as the type `to`")
MOTE_OP(onnx, Cast, 24, CAST_24((MOTE_T_ALL_24 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_24 & ~MOTE_DTYPES_COMPLEX)));
MOTE_OP(onnx, Cast, 25, CAST_24((MOTE_T_ALL_25 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_25 & ~MOTE_DTYPES_COMPLEX)));
MOTE_OP(onnx, Cast, 28, CAST_24((MOTE_T_ALL_25 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_25 & ~MOTE_DTYPES_COMPLEX)));

MOTE_OP(onnx, CastLike, 15, .in = "input:T1 target_type:T2", .out = "output:T2",
        .types = MOTE_TYPES({"T1", (MOTE_T_ALL_13 & ~MOTE_DTYPES_COMPLEX), 0}, {"T2", (MOTE_T_ALL_13 & ~MOTE_DTYPES_COMPLEX), 0}),
        .flags = MOTE_OP_ELEMENTWISE, .infer = infer_cast_like, .eval = eval_cast,
        .doc = MOTE_DOC("y = x as the type of the second input"));
#define CAST_LIKE_19(t1, t2)                                                                                            \
    .in = "input:T1 target_type:T2", .out = "output:T2", .types = MOTE_TYPES({"T1", t1, 0}, {"T2", t2, 0}),                       \
    .attrs = MOTE_ATTRS(MOTE_A_INT("saturate", 1)), .flags = MOTE_OP_ELEMENTWISE, .infer = infer_cast_like,                       \
    .eval = eval_cast, .doc = MOTE_DOC("y = x as the type of the second input")
MOTE_OP(onnx, CastLike, 19, CAST_LIKE_19((MOTE_T_ALL_19 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_19 & ~MOTE_DTYPES_COMPLEX)));
MOTE_OP(onnx, CastLike, 21, CAST_LIKE_19((MOTE_T_ALL_21 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_21 & ~MOTE_DTYPES_COMPLEX)));
MOTE_OP(onnx, CastLike, 23, CAST_LIKE_19((MOTE_T_ALL_23 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_23 & ~MOTE_DTYPES_COMPLEX)));
#define CAST_LIKE_24(t1, t2)                                                                                            \
    .in = "input:T1 target_type:T2", .out = "output:T2", .types = MOTE_TYPES({"T1", t1, 0}, {"T2", t2, 0}),                       \
    .attrs = MOTE_ATTRS(MOTE_A_STRING("round_mode", "up"), MOTE_A_INT("saturate", 1)), .flags = MOTE_OP_ELEMENTWISE,              \
    .infer = infer_cast_like, .eval = eval_cast, .doc = MOTE_DOC("y = x as the type of the second input")
MOTE_OP(onnx, CastLike, 24, CAST_LIKE_24((MOTE_T_ALL_24 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_24 & ~MOTE_DTYPES_COMPLEX)));
MOTE_OP(onnx, CastLike, 25, CAST_LIKE_24((MOTE_T_ALL_25 & ~MOTE_DTYPES_COMPLEX), (MOTE_T_ALL_25 & ~MOTE_DTYPES_COMPLEX)));

MOTE_OP(onnx, BitCast, 26, .in = "input:T1", .out = "output:T2",
        .types = MOTE_TYPES({"T1", (MOTE_T_ALL_25 & ~MOTE_DT(STRING)), 0}, {"T2", (MOTE_T_ALL_25 & ~MOTE_DT(STRING)), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "to")), .flags = MOTE_OP_ELEMENTWISE, .infer = infer_bit_cast,
        .eval = eval_bit_cast, .doc = MOTE_DOC("y = the bits of x read as the type `to`"));

