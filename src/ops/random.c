/* random.c - RandomUniform, RandomNormal, their Like forms, Bernoulli, Multinomial
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX RandomUniform-22, RandomUniformLike-22, RandomNormal-22, RandomNormalLike-22, Bernoulli-22, Multinomial-22; Box and Muller, A Note on the
 * Generation of Random Normal Deviates (1958); for the generator see random.h. */
#include "base/platform.h"
#include "ops/random.h"
#include "kernels/unary/unary.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>

/* ---- the generator ---- */

void mote_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)x0 * 0xd2511f53u, b = (uint64_t)x2 * 0xcd9e8d57u;
        x0 = (uint32_t)(b >> 32) ^ x1 ^ k0;
        x1 = (uint32_t)b;
        x2 = (uint32_t)(a >> 32) ^ x3 ^ k1;
        x3 = (uint32_t)a;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

void mote_random_begin(mote_random *r, const mote_eval *c, bool has_seed, uint64_t seed)
{
    uint64_t key = seed;
    if (!has_seed) {
        mote_str name = {0};
        for (uint32_t i = 0; i < c->node->n_out && name.n == 0; i++)
            if (c->node->out[i] != NULL)
                name = c->node->out[i]->name;
        uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
        for (size_t i = 0; i < name.n; i++)
            h = (h ^ (uint8_t)name.p[i]) * 0x100000001b3u;
        key = mote_random_mix(c->random_seed + 0x9e3779b97f4a7c15u) ^ h;
    }
    key = mote_random_mix(key + 0x9e3779b97f4a7c15u);
    *r = (mote_random){{(uint32_t)key, (uint32_t)(key >> 32)}, c->turn};
}

void mote_random_words(const mote_random *r, uint64_t first, size_t blocks, uint32_t *words)
{
    for (size_t i = 0; i < blocks; i++) {
        const uint64_t b = first + i;
        const uint32_t counter[4] = {(uint32_t)b, (uint32_t)(b >> 32), (uint32_t)r->turn, (uint32_t)(r->turn >> 32)};
        mote_philox(counter, r->key, words + 4 * i);
    }
}

static void begin(mote_random *r, const mote_eval *c)
{
    const mote_attr *a = mote_node_attr(c->node, "seed");
    uint32_t bits = 0;
    if (a != NULL)
        memcpy(&bits, &a->f, sizeof bits);
    mote_random_begin(r, c, a != NULL, bits);
}

/* ---- shared ---- */

static mote_status dtype_of(mote_infer *c, mote_dtype otherwise, mote_dtype *out)
{
    const int64_t d = mote_node_int(c->node, "dtype", otherwise);
    *out = MOTE_DTYPE_NONE;
    MOTE_REQUIRE(d == MOTE_DTYPE_NONE || mote_dtype_valid(d), c->diag, MOTE_E_DTYPE, "dtype is %lld, which is no element type", (long long)d);
    *out = (mote_dtype)d;
    return MOTE_OK;
}

static mote_status infer_shaped(mote_infer *c)
{
    const mote_attr *a = mote_node_attr(c->node, "shape");
    mote_dtype dtype;
    MOTE_TRY(dtype_of(c, MOTE_DTYPE_F32, &dtype));
    MOTE_TRY(mote_arg_rank((int64_t)a->n, c->diag));
    for (size_t d = 0; d < a->n; d++)
        MOTE_REQUIRE(a->ints[d] >= 0, c->diag, MOTE_E_VALUE, "shape has %lld at position %zu, expected 0 or more", (long long)a->ints[d], d);
    mote_infer_out(c, 0, dtype, (int32_t)a->n, a->ints);
    return MOTE_OK;
}

static mote_status infer_as_input(mote_infer *c)
{
    mote_dtype dtype;
    MOTE_TRY(dtype_of(c, c->in[0]->dtype, &dtype));
    mote_infer_out(c, 0, dtype, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

enum { BLOCK = 256 }; /* elements at a time */
_Static_assert(BLOCK % 4 == 0, "a block is whole Philox blocks");

static double attr_f64(const mote_node *n, const char *name, double otherwise)
{
    const mote_attr *a = mote_node_attr(n, name);
    return a != NULL ? (double)a->f : otherwise;
}

/* ---- uniform ---- */

/* low + u (high - low), u of as many bits as the type holds, so that no u is rounded to 1. */
static mote_status eval_uniform(mote_eval *c)
{
    mote_array *y = c->out[0];
    const double low = attr_f64(c->node, "low", 0), high = attr_f64(c->node, "high", 1), span = high - low;
    MOTE_REQUIRE(isfinite(low) && isfinite(high) && low <= high, c->diag, MOTE_E_VALUE, "low is %g and high is %g, expected finite numbers in order",
                 low, high);
    const bool wide = y->dtype == MOTE_DTYPE_F64;
    const unsigned bits = y->dtype == MOTE_DTYPE_F16 ? 11 : y->dtype == MOTE_DTYPE_BF16 ? 8 : 24;
    const double unit = ldexp(1, -(int)bits);
    mote_random r;
    begin(&r, c);
    for (size_t at = 0, n = mote_array_count(y), m; at < n; at += m) {
        uint32_t words[2 * BLOCK];
        union { float f[BLOCK]; double d[BLOCK]; } block;
        m = n - at < BLOCK ? n - at : BLOCK;
        const size_t per = wide ? 2 : 4;
        mote_random_words(&r, at / per, (m + per - 1) / per, words);
        for (size_t i = 0; i < m && wide; i++) {
            const double x = low + mote_random_unit(words[2 * i], words[2 * i + 1]) * span;
            block.d[i] = x < high || span == 0 ? x : nextafter(high, low);
        }
        for (size_t i = 0; i < m && !wide; i++) {
            const float x = (float)(low + (double)(words[i] >> (32 - bits)) * unit * span);
            block.f[i] = x < (float)high || span == 0 ? x : nextafterf((float)high, (float)low);
        }
        mote_elements_store(y->dtype, y->data, at, m, &block);
    }
    return MOTE_OK;
}

/* ---- normal ---- */

/* Pairs sqrt(-2 ln u) (cos, sin)(2 pi v) */
static void normal_f32(uint32_t cpu, const uint32_t *words, float *y, size_t pairs, float mean, float scale)
{
    float u[BLOCK / 2], v[BLOCK / 2], s[BLOCK / 2];
    for (size_t i = 0; i < pairs; i++) {
        u[i] = (float)(((double)words[2 * i] + 0.5) * 0x1p-32);
        v[i] = (float)(((double)words[2 * i + 1] + 0.5) * (0x1p-32 * 6.283185307179586));
    }
    mote_unary_select(MOTE_UNARY_LOG, cpu)->fn(u, u, pairs, NULL);
    mote_unary_select(MOTE_UNARY_SIN, cpu)->fn(v, s, pairs, NULL);
    mote_unary_select(MOTE_UNARY_COS, cpu)->fn(v, v, pairs, NULL);
    for (size_t i = 0; i < pairs; i++) {
        const float radius = sqrtf(-2 * u[i]);
        y[2 * i] = mean + scale * (radius * v[i]);
        y[2 * i + 1] = mean + scale * (radius * s[i]);
    }
}

static void normal_f64(const uint32_t *words, double *y, size_t pairs, double mean, double scale)
{
    for (size_t i = 0; i < pairs; i++) {
        const uint32_t *w = words + 4 * i;
        const double radius = sqrt(-2 * log(1 - mote_random_unit(w[0], w[1]))), angle = mote_random_unit(w[2], w[3]) * 6.283185307179586;
        y[2 * i] = mean + scale * (radius * cos(angle));
        y[2 * i + 1] = mean + scale * (radius * sin(angle));
    }
}

static mote_status eval_normal(mote_eval *c)
{
    mote_array *y = c->out[0];
    const double mean = attr_f64(c->node, "mean", 0), scale = attr_f64(c->node, "scale", 1);
    MOTE_REQUIRE(isfinite(mean), c->diag, MOTE_E_VALUE, "mean is %g, expected a finite number", mean);
    MOTE_REQUIRE(isfinite(scale) && scale >= 0, c->diag, MOTE_E_VALUE, "scale is %g, expected a finite number, 0 or more", scale);
    const bool wide = y->dtype == MOTE_DTYPE_F64;
    mote_random r;
    begin(&r, c);
    for (size_t at = 0, n = mote_array_count(y), m; at < n; at += m) {
        uint32_t words[2 * BLOCK];
        union { float f[BLOCK]; double d[BLOCK]; } block;
        m = n - at < BLOCK ? n - at : BLOCK;
        const size_t per = wide ? 2 : 4, blocks = (m + per - 1) / per;
        mote_random_words(&r, at / per, blocks, words);
        if (wide)
            normal_f64(words, block.d, blocks, mean, scale);
        else
            normal_f32(c->cpu, words, block.f, 2 * blocks, (float)mean, (float)scale);
        mote_elements_store(y->dtype, y->data, at, m, &block);
    }
    return MOTE_OK;
}

/* ---- Bernoulli ---- */

/* y = u < p; u of 53 bits beside a double, else of 32 */
static mote_status eval_bernoulli(mote_eval *c)
{
    const mote_array *x = c->in[0];
    mote_array *y = c->out[0];
    const bool wide = mote_class_of(x->dtype) == MOTE_CLASS_F64;
    const mote_class to = mote_class_of(y->dtype);
    const size_t per = wide ? 2 : 4; /* of a block of the stream */
    mote_random r;
    begin(&r, c);
    for (size_t at = 0, n = mote_array_count(y), m; at < n; at += m) {
        uint32_t words[2 * BLOCK];
        union { float f[BLOCK]; double d[BLOCK]; int64_t i[BLOCK]; } p, block;
        m = n - at < BLOCK ? n - at : BLOCK;
        mote_random_words(&r, at / per, (m + per - 1) / per, words);
        mote_elements_load(x->dtype, x->data, at, 1, m, &p);
        for (size_t i = 0; i < m; i++) {
            const double chance = wide ? p.d[i] : (double)p.f[i];
            MOTE_REQUIRE(chance >= 0 && chance <= 1, c->diag, MOTE_E_VALUE, "the probability of element %zu is %g, expected 0 to 1", at + i, chance);
            const bool one = (wide ? mote_random_unit(words[2 * i], words[2 * i + 1]) : (double)words[i] * 0x1p-32) < chance;
            if (to == MOTE_CLASS_F32)
                block.f[i] = one;
            else if (to == MOTE_CLASS_F64)
                block.d[i] = one;
            else
                block.i[i] = one;
        }
        mote_elements_store(y->dtype, y->data, at, m, &block);
    }
    return MOTE_OK;
}

/* ---- Multinomial ---- */

static mote_status infer_multinomial(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const int64_t samples = mote_node_int(c->node, "sample_size", 1);
    mote_dtype dtype;
    MOTE_TRY(dtype_of(c, MOTE_DTYPE_S32, &dtype));
    MOTE_REQUIRE(samples >= 1, c->diag, MOTE_E_VALUE, "sample_size is %lld, expected 1 or more", (long long)samples);
    MOTE_REQUIRE(x->rank < 0 || x->rank == 2, c->diag, MOTE_E_SHAPE, "input has rank %d, expected 2: batch and classes", (int)x->rank);
    mote_infer_out(c, 0, dtype, 2, (int64_t[]){x->rank < 0 ? MOTE_DIM_UNKNOWN : x->dims[0], samples});
    return MOTE_OK;
}

/* sums[k] = sum over j <= k of exp(x[j] - max x): classes in proportion to exp(x). */
static mote_status cumulate(const mote_eval *c, size_t row, size_t classes, void *scores, double *sums)
{
    const mote_array *x = c->in[0];
    const bool wide = mote_class_of(x->dtype) == MOTE_CLASS_F64;
    float *f = scores;
    double *d = scores, max = -INFINITY, sum = 0;
    mote_elements_load(x->dtype, x->data, row * classes, 1, classes, scores);
    for (size_t k = 0; k < classes; k++) {
        const double score = wide ? d[k] : (double)f[k];
        MOTE_REQUIRE(score < (double)INFINITY, c->diag, MOTE_E_VALUE, "input has %g in row %zu, column %zu", score, row, k);
        max = score > max ? score : max;
    }
    MOTE_REQUIRE(max > -(double)INFINITY, c->diag, MOTE_E_VALUE, "no class of row %zu has a probability above 0", row);
    if (!wide) {
        for (size_t k = 0; k < classes; k++)
            f[k] -= (float)max;
        mote_unary_select(MOTE_UNARY_EXP, c->cpu)->fn(f, f, classes, NULL);
    }
    for (size_t k = 0; k < classes; k++)
        sums[k] = sum += wide ? exp(d[k] - max) : (double)f[k];
    return MOTE_OK;
}

static mote_status eval_multinomial_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    mote_array *y = c->out[0];
    MOTE_REQUIRE(x->rank == 2, c->diag, MOTE_E_SHAPE, "input has rank %d, expected 2: batch and classes", (int)x->rank);
    const size_t batch = (size_t)x->dims[0], classes = (size_t)x->dims[1], samples = (size_t)y->dims[1];
    MOTE_REQUIRE(classes >= 1 || batch == 0, c->diag, MOTE_E_SHAPE, "input has no classes to choose from");
    MOTE_REQUIRE(y->dtype == MOTE_DTYPE_S64 || classes <= INT32_MAX, c->diag, MOTE_E_DTYPE, "%zu classes do not fit int32: dtype must be int64", classes);
    void *scores = mote_temp(temp, classes, 8, c->diag);
    double *sums = mote_temp(temp, classes, 8, c->diag);
    if (scores == NULL || sums == NULL)
        return MOTE_E_MEMORY;
    mote_random r;
    begin(&r, c);
    for (size_t b = 0; b < batch; b++) {
        MOTE_TRY(cumulate(c, b, classes, scores, sums));
        const double total = sums[classes - 1];
        for (size_t s = 0; s < samples; s++) {
            const size_t at = b * samples + s;
            uint32_t words[4];
            mote_random_words(&r, at / 2, 1, words);
            double t = mote_random_unit(words[at % 2 * 2], words[at % 2 * 2 + 1]) * total;
            if (t >= total) /* rounded up */
                t = nextafter(total, 0);
            size_t low = 0, high = classes - 1; /* the first class whose sum is above t */
            while (low < high) {
                const size_t middle = low + (high - low) / 2;
                if (sums[middle] > t)
                    high = middle;
                else
                    low = middle + 1;
            }
            mote_dtype_from_i64(y->dtype, y->data, at, (int64_t)low);
        }
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_multinomial)

/* ---- the table ---- */

#define DTYPE MOTE_A(INT, "dtype"), MOTE_A(FLOAT, "seed")
#define RANGE MOTE_A_FLOAT("high", 1), MOTE_A_FLOAT("low", 0)
#define BELL MOTE_A_FLOAT("scale", 1), MOTE_A_FLOAT("mean", 0)
#define SHAPED(t, ...)                                                                                                 \
    .in = "", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}),                                                                \
    .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INTS, "shape"), MOTE_A_INT("dtype", MOTE_DTYPE_F32), MOTE_A(FLOAT, "seed"), __VA_ARGS__), \
    .flags = MOTE_OP_RANDOM, .infer = infer_shaped
#define LIKE(from, t, ...)                                                                                             \
    .in = "input:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", from, 0}, {"T2", t, 0}),                                     \
    .attrs = MOTE_ATTRS(DTYPE, __VA_ARGS__), .flags = MOTE_OP_RANDOM, .infer = infer_as_input
MOTE_OP(onnx, RandomUniform, 1, SHAPED(MOTE_T_FLOAT_7, RANGE), .eval = eval_uniform, .doc = MOTE_DOC("uniform in low <= y < high"));
MOTE_OP(onnx, RandomUniform, 22, SHAPED(MOTE_DTYPES_FLOAT, RANGE), .eval = eval_uniform, .doc = MOTE_DOC("uniform in low <= y < high"));
MOTE_OP(onnx, RandomUniformLike, 1, LIKE(MOTE_T_ALL_7, MOTE_T_FLOAT_7, RANGE), .eval = eval_uniform, .doc = MOTE_DOC("uniform in low <= y < high"));
MOTE_OP(onnx, RandomUniformLike, 22, LIKE(MOTE_T_ALL_13, MOTE_DTYPES_FLOAT, RANGE), .eval = eval_uniform, .doc = MOTE_DOC("uniform in low <= y < high"));
MOTE_OP(onnx, RandomNormal, 1, SHAPED(MOTE_T_FLOAT_7, BELL), .eval = eval_normal, .doc = MOTE_DOC("normal with this mean and standard deviation scale"));
MOTE_OP(onnx, RandomNormal, 22, SHAPED(MOTE_DTYPES_FLOAT, BELL), .eval = eval_normal, .doc = MOTE_DOC("normal with this mean and standard deviation scale"));
MOTE_OP(onnx, RandomNormalLike, 1, LIKE(MOTE_T_ALL_7, MOTE_T_FLOAT_7, BELL), .eval = eval_normal, .doc = MOTE_DOC("normal with this mean and standard deviation scale"));
MOTE_OP(onnx, RandomNormalLike, 22, LIKE(MOTE_T_ALL_13, MOTE_DTYPES_FLOAT, BELL), .eval = eval_normal, .doc = MOTE_DOC("normal with this mean and standard deviation scale"));

#define BERNOULLI(t)                                                                                                   \
    .in = "input:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", t, 0}, {"T2", MOTE_T_NUM_BOOL_13, 0}), .attrs = MOTE_ATTRS(DTYPE), \
    .flags = MOTE_OP_RANDOM, .infer = infer_as_input, .eval = eval_bernoulli, .doc = MOTE_DOC("1 with probability x, else 0")
MOTE_OP(onnx, Bernoulli, 15, BERNOULLI(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Bernoulli, 22, BERNOULLI(MOTE_DTYPES_FLOAT));

#define MULTINOMIAL(t)                                                                                                 \
    .in = "input:T1", .out = "output:T2", .types = MOTE_TYPES({"T1", t, 0}, {"T2", MOTE_T_INDEX, 0}),                             \
    .attrs = MOTE_ATTRS(MOTE_A_INT("dtype", MOTE_DTYPE_S32), MOTE_A(FLOAT, "seed"), MOTE_A_INT("sample_size", 1)),                 \
    .flags = MOTE_OP_RANDOM, .infer = infer_multinomial, .eval = eval_multinomial, .doc = MOTE_DOC("class k with a probability in proportion to exp(x[k])")
MOTE_OP(onnx, Multinomial, 7, MULTINOMIAL(MOTE_T_FLOAT_7));
MOTE_OP(onnx, Multinomial, 22, MULTINOMIAL(MOTE_DTYPES_FLOAT));
