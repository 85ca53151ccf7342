/* cpu_cast.c - lowering of Cast and CastLike between floats of up to 32 bits, integers of 8, 32 and 64 bits, and bool
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/half.h"
#include "provider/cpu/cpu_halves.h"
#include "provider/cpu/lower.h"
#include <math.h>
#include <string.h>

enum { GRAIN = 16384 };

typedef void (*cast_fn)(const void *x, void *y, size_t n);

/* What src/ops/cast.c says: a float beyond a type of 32 or 64 bits gives the nearest, NaN 0; narrower types keep the low bits of that. */
static int64_t s64_of(float x)
{
    if (x > -0x1p63f && x < 0x1p63f) /* nearly always */
        return (int64_t)x;
    return x != x ? 0 : x < 0 ? INT64_MIN : INT64_MAX;
}
static int32_t s32_of(float x) { return x != x ? 0 : x < -0x1p31f ? INT32_MIN : x >= 0x1p31f ? INT32_MAX : (int32_t)x; }

/* By eights: where all are in range, conversions follow each other without a branch. */
static void cast_f32_s64(const void *in, void *out, size_t n)
{
    const float *xs = in;
    int64_t *ys = out;
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint32_t bits[8], beyond = 0;
        memcpy(bits, xs + i, sizeof bits);
        for (size_t k = 0; k < 8; k++)
            beyond |= (bits[k] & 0x7fffffff) + 0x21000000; /* the top bit: from 2^63 on, infinities, NaN */
        if (beyond >> 31 == 0)
            for (size_t k = 0; k < 8; k++)
                ys[i + k] = (int64_t)xs[i + k];
        else
            for (size_t k = 0; k < 8; k++)
                ys[i + k] = s64_of(xs[i + k]);
    }
    for (; i < n; i++)
        ys[i] = s64_of(xs[i]);
}

#define CAST(from, from_type, to, to_type, value)                                                                      \
    static void cast_##from##_##to(const void *in, void *out, size_t n)                                                \
    {                                                                                                                  \
        const from_type *xs = in;                                                                                      \
        to_type *ys = out;                                                                                             \
        for (size_t i = 0; i < n; i++) {                                                                               \
            const from_type x = xs[i];                                                                                 \
            ys[i] = (to_type)(value);                                                                                  \
        }                                                                                                              \
    }
CAST(f32, float, s32, int32_t, s32_of(x))
CAST(f32, float, u8, uint8_t, s64_of(x))
CAST(f32, float, s8, int8_t, (uint8_t)s64_of(x))
CAST(f32, float, bool, uint8_t, x != 0)
#define CAST_FROM(from, from_type, plain)                                                                              \
    CAST(from, from_type, f32, float, plain)                                                                           \
    CAST(from, from_type, bool, uint8_t, x != 0)
CAST_FROM(s64, int64_t, x)
CAST_FROM(s32, int32_t, x)
CAST_FROM(u8, uint8_t, x)
CAST_FROM(s8, int8_t, x)
CAST(bool, uint8_t, f32, float, x != 0)
CAST(s64, int64_t, s32, int32_t, (uint32_t)x)
CAST(s64, int64_t, u8, uint8_t, x)
CAST(s64, int64_t, s8, int8_t, (uint8_t)x)
CAST(s32, int32_t, s64, int64_t, x)
CAST(s32, int32_t, u8, uint8_t, x)
CAST(s32, int32_t, s8, int8_t, (uint8_t)x)
CAST(u8, uint8_t, s64, int64_t, x)
CAST(u8, uint8_t, s32, int32_t, x)
CAST(u8, uint8_t, s8, int8_t, x)
CAST(s8, int8_t, s64, int64_t, x)
CAST(s8, int8_t, s32, int32_t, x)
CAST(s8, int8_t, u8, uint8_t, x)
CAST(bool, uint8_t, s64, int64_t, x != 0)
CAST(bool, uint8_t, s32, int32_t, x != 0)
CAST(bool, uint8_t, u8, uint8_t, x != 0)
CAST(bool, uint8_t, s8, int8_t, x != 0)

enum { F32, S64, S32, U8, S8, BOOL, NAMES };
static const cast_fn table[NAMES][NAMES] = {
    {NULL, cast_f32_s64, cast_f32_s32, cast_f32_u8, cast_f32_s8, cast_f32_bool},
    {cast_s64_f32, NULL, cast_s64_s32, cast_s64_u8, cast_s64_s8, cast_s64_bool},
    {cast_s32_f32, cast_s32_s64, NULL, cast_s32_u8, cast_s32_s8, cast_s32_bool},
    {cast_u8_f32, cast_u8_s64, cast_u8_s32, NULL, cast_u8_s8, cast_u8_bool},
    {cast_s8_f32, cast_s8_s64, cast_s8_s32, cast_s8_u8, NULL, cast_s8_bool},
    {cast_bool_f32, cast_bool_s64, cast_bool_s32, cast_bool_u8, cast_bool_s8, NULL},
};

static int place_of(mote_dtype t)
{
    switch (t) {
    case MOTE_DTYPE_F32: return F32;
    case MOTE_DTYPE_S64: return S64;
    case MOTE_DTYPE_S32: return S32;
    case MOTE_DTYPE_U8: return U8;
    case MOTE_DTYPE_S8: return S8;
    case MOTE_DTYPE_BOOL: return BOOL;
    default: return NAMES;
    }
}

typedef struct cast_params {
    cast_fn fn;                     /* NULL: halves, or the bytes as they are */
    const mote_convert_row *convert;
    mote_dtype from, to;
    size_t from_size, to_size, n;
} cast_params;

typedef struct cast_job {
    const cast_params *p;
    const char *x;
    char *y;
} cast_job;

static void cast_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const cast_job *j = ctx;
    const cast_params *p = j->p;
    const void *x = j->x + begin * p->from_size;
    void *y = j->y + begin * p->to_size;
    if (p->fn != NULL)
        p->fn(x, y, end - begin);
    else if (p->from == p->to)
        memcpy(y, x, (end - begin) * p->to_size);
    else if (p->to == MOTE_DTYPE_F32)
        (p->from == MOTE_DTYPE_F16 ? p->convert->f16_f32 : p->convert->bf16_f32)(x, y, end - begin);
    else
        (p->to == MOTE_DTYPE_F16 ? p->convert->f32_f16 : p->convert->f32_bf16)(x, y, end - begin);
}

static mote_status cast_run(const mote_step *step, mote_exec *x)
{
    cast_job j = {.p = step->params, .x = step->in[0]->data, .y = step->out[0]->data};
    if (j.x != j.y) /* the same memory: a cast to the same type */
        mote_parallel_for(x->pool, j.p->n, GRAIN, cast_range, &j);
    return MOTE_OK;
}

static mote_status lower_cast(mote_lower *l)
{
    const mote_array *x = l->in[0], *y = l->out[0];
    if (y == NULL)
        return MOTE_OK;
    const int from = place_of(x->dtype), to = place_of(y->dtype);
    const bool halves = mote_cpu_is_float(x->dtype) && mote_cpu_is_float(y->dtype) && (x->dtype == MOTE_DTYPE_F32 || y->dtype == MOTE_DTYPE_F32);
    const bool same = x->dtype == y->dtype && x->dtype != MOTE_DTYPE_STRING && mote_dtype_bits(x->dtype) % 8 == 0;
    cast_params *p;
    if (!same && !halves && (from == NAMES || to == NAMES))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (cast_params){.fn = same || halves ? NULL : table[from][to], .convert = mote_convert_select(l->cpu), .from = x->dtype, .to = y->dtype,
                       .from_size = mote_dtype_bits(x->dtype) / 8, .to_size = mote_dtype_bits(y->dtype) / 8, .n = mote_array_count(x)};
    l->run = cast_run;
    l->params = p;
    l->kernel = same ? "mote_copy_view" : halves ? p->convert->name : "mote_cast";
    l->inplace = same ? 1 : 0;
    return MOTE_OK;
}

MOTE_LOWER(onnx, Cast, lower_cast)
MOTE_LOWER(onnx, CastLike, lower_cast)
