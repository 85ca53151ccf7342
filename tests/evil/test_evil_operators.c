/* test_evil_operators.c - every operator of the table with attributes, shapes, types and values that nobody should give it
 * SPDX-License-Identifier: Apache-2.0
 *
 * Models are made from the definitions' own signatures by a fixed sequence of numbers: the same ones on every machine. Each loads and runs (constants
 * folded, kernels chosen), and again by the reference evaluation: a status that is not MOTE_E_INTERNAL, never a crash, within 3 s (20 instrumented or emulated)
 * and 64 MiB.
 * MOTE_EVIL_ROUNDS: variants of each operator (30). */
#include "base/platform.h"
#include "ops/op.h"
#include "ops/signature.h"
#include "support/hostile.h"
#include "support/onnx_build.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct chance {
    uint64_t state;
} chance;

static uint32_t below(chance *c, uint32_t n)
{
    c->state = c->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((c->state >> 33) % n);
}

static bool one_in(chance *c, uint32_t n) { return below(c, n) == 0; }

static int64_t wild_int(chance *c)
{
    static const int64_t v[] = {0, 1, 1, 2, 2, 3, 4, -1, -2, -3, 7, 8, 100, 65536, INT32_MAX, INT32_MIN, 1ll << 32, 1ll << 40, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    return one_in(c, 2) ? v[below(c, 9)] : v[below(c, sizeof v / sizeof v[0])];
}

static float wild_float(chance *c)
{
    static const float v[] = {0, 1, -1, 0.5f, 2, -0.0f, 1e30f, -1e30f, 1e-40f, __builtin_nanf(""), __builtin_inff(), -__builtin_inff()};
    return v[below(c, sizeof v / sizeof v[0])];
}

static const char *wild_text(chance *c, const char *usual)
{
    static const char *const v[] = {"", "linear", "nearest", "cubic", "reflect", "edge", "constant", "wrap", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "add", "mul", "max", "none", "mean",
                                    "sum", "tanh", "forward", "reverse", "bidirectional", "LEFT", "RIGHT", "asymmetric", "align_corners", "tf_crop_and_resize", "ij,jk->ik", "i->", "...", "->", "DCR", "CRD", "round_prefer_floor", "half_pixel"};
    return usual != NULL && one_in(c, 2) ? usual : v[below(c, sizeof v / sizeof v[0])];
}

static int shape(chance *c, int64_t *dims)
{
    static const int64_t sizes[] = {1, 2, 2, 3, 4, 5, 0};
    int rank = (int)below(c, 6);
    if (one_in(c, 40))
        rank = 8;
    for (int d = 0; d < rank; d++)
        dims[d] = sizes[below(c, rank > 5 ? 2 : 7)];
    return rank;
}

typedef struct plan {
    mote_dtype vars[MOTE_OP_MAX_VARS];
    int rank;
    int64_t dims[8];
} plan;

static mote_dtype pick(chance *c, mote_dtypes set)
{
    for (int tries = 0; tries < 200; tries++) {
        mote_dtype t = (mote_dtype)(1 + below(c, MOTE_DTYPE_COUNT - 1));
        if (mote_dtype_in(t, set))
            return t;
    }
    return MOTE_DTYPE_F32;
}

static pb tensor(chance *c, const char *name, mote_dtype t, int rank, const int64_t *dims)
{
    size_t n = 1, bytes = 0;
    for (int d = 0; d < rank; d++)
        n *= (size_t)dims[d];
    if (t == MOTE_DTYPE_STRING) {
        pb s = onnx_tensor(name, t, rank, dims, NULL, 0);
        for (size_t i = 0; i < n; i++)
            pb_str(&s, 6, wild_text(c, NULL));
        return s;
    }
    if (!mote_dtype_bytes(t, n, &bytes))
        abort();
    char *data = calloc(1, bytes + 1);
    if (data == NULL)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (mote_dtype_in(t, MOTE_DTYPES_INT | MOTE_DT(BOOL) | MOTE_DT(U4) | MOTE_DT(S4) | MOTE_DT(U2) | MOTE_DT(S2)))
            mote_dtype_from_i64(t, data, i, t == MOTE_DTYPE_BOOL ? (int64_t)below(c, 2) : wild_int(c));
        else if (!mote_dtype_in(t, MOTE_DTYPES_COMPLEX))
            mote_dtype_from_f64(t, data, i, (double)wild_float(c));
    }
    pb m = onnx_tensor(name, t, rank, dims, data, bytes);
    free(data);
    return m;
}

static void attribute(chance *c, pb *node, const mote_attr_spec *a, int rank)
{
    pb m = {NULL, 0, 0}, t;
    int64_t dims[8], list[20];
    static const int lengths[] = {0, 1, 2, 3, 4, 8, 16};
    int kind = one_in(c, 25) ? 1 + (int)below(c, 4) : (int)a->kind, n = one_in(c, 2) ? rank * (1 + (int)below(c, 2)) : lengths[below(c, 7)];
    const bool own = kind == (int)a->kind; /* whose default there is */
    switch (kind) {
    case MOTE_ATTR_FLOAT: onnx_attr_float(node, a->name, one_in(c, 3) ? (own ? a->f : 0) : wild_float(c)); break;
    case MOTE_ATTR_INT: onnx_attr_int(node, a->name, one_in(c, 3) ? (own ? a->i : 0) : wild_int(c)); break;
    case MOTE_ATTR_STRING: onnx_attr_str(node, a->name, wild_text(c, own ? a->s : NULL)); break;
    case MOTE_ATTR_INTS:
        for (int i = 0; i < n; i++)
            list[i] = one_in(c, 2) ? (int64_t)below(c, 4) : wild_int(c);
        onnx_attr_ints(node, a->name, (size_t)n, list);
        break;
    case MOTE_ATTR_TENSOR: {
        int r = shape(c, dims);
        t = tensor(c, "", pick(c, MOTE_DTYPES_ALL), r, dims);
        onnx_attr_msg(node, a->name, MOTE_ATTR_TENSOR, 5, &t);
        break;
    }
    default:
        pb_str(&m, 1, a->name);
        for (int i = 0; i < n; i++) {
            if (kind == MOTE_ATTR_FLOATS)
                pb_float(&m, 7, wild_float(c));
            else if (kind == MOTE_ATTR_STRINGS)
                pb_str(&m, 9, wild_text(c, "Tanh"));
        }
        pb_int(&m, 20, kind);
        pb_msg(node, 5, &m);
    }
}

static bool usable(const mote_op_def *def)
{
    if (def->removed || strcmp(def->domain, "mote") == 0 || (def->flags & MOTE_OP_CONTROL) != 0)
        return false;
    int32_t version = def->since < 7 && def->domain[0] == 0 ? 7 : def->since;
    return mote_op_find(mote_str_c(def->domain), mote_str_c(def->name), version) == def;
}

static pb make(chance *c, const mote_op_def *def)
{
    mote_signature in, out;
    if (mote_signature_read(def, def->in, &in) != MOTE_OK || mote_signature_read(def, def->out, &out) != MOTE_OK)
        abort();
    plan p;
    p.rank = shape(c, p.dims);
    const mote_type_var *var = def->types;
    for (int v = 0; v < MOTE_OP_MAX_VARS; v++) {
        bool here = var != NULL && var->name[0] != 0;
        p.vars[v] = pick(c, here && var->dtypes != 0 ? var->dtypes : MOTE_DT(F32));
        var += here;
    }
    uint32_t most = in.max > in.min + 6 ? in.min + 3 : in.max, n_in = in.min + below(c, most - in.min + 1);
    if (one_in(c, 20))
        n_in = one_in(c, 2) ? n_in + 1 : n_in - (n_in != 0);
    uint32_t n_out = out.min + below(c, (out.max > out.min + 3 ? 3 : out.max - out.min) + 1);
    if (one_in(c, 30))
        n_out += 2;
    pb g = {NULL, 0, 0}, node = {NULL, 0, 0};
    char name[32];
    for (uint32_t i = 0; i < n_in; i++) {
        const mote_op_arg *a = mote_signature_arg(&in, i);
        if (a != NULL && a->optional && one_in(c, 3)) {
            pb_str(&node, 1, "");
            continue;
        }
        mote_dtype t = a == NULL || one_in(c, 30) ? pick(c, MOTE_DTYPES_ALL) : a->var >= 0 ? p.vars[a->var] : a->fixed;
        if (t == MOTE_DTYPE_NONE)
            t = MOTE_DTYPE_F32;
        int64_t dims[8];
        int rank = p.rank;
        memcpy(dims, p.dims, sizeof dims);
        if (one_in(c, 3))
            rank = shape(c, dims);
        else if (i != 0 && one_in(c, 3)) {
            rank = 1;
            dims[0] = one_in(c, 2) ? p.rank : (int64_t)below(c, 5);
        } else if (i != 0 && one_in(c, 4))
            rank = 0;
        snprintf(name, sizeof name, "i%u", i);
        pb_str(&node, 1, name);
        if (one_in(c, 2) || t == MOTE_DTYPE_STRING) {
            pb m = tensor(c, name, t, rank, dims);
            pb_msg(&g, 5, &m);
        } else {
            if (one_in(c, 4))
                for (int d = 0; d < rank; d++)
                    dims[d] = one_in(c, 2) ? -1 : dims[d];
            pb m = onnx_value(name, t, one_in(c, 20) ? -1 : rank, dims);
            pb_msg(&g, 11, &m);
        }
    }
    for (uint32_t i = 0; i < n_out; i++) {
        snprintf(name, sizeof name, "o%u", i);
        pb_str(&node, 2, name);
        pb v = {NULL, 0, 0};
        pb_str(&v, 1, name);
        pb_msg(&g, 12, &v);
    }
    pb_str(&node, 4, def->name);
    pb_str(&node, 7, def->domain);
    for (const mote_attr_spec *a = def->attrs; a != NULL && a->name != NULL; a++)
        if (a->required ? !one_in(c, 20) : one_in(c, 2))
            attribute(c, &node, a, p.rank);
    pb_msg(&g, 1, &node);
    int32_t version = def->since < 7 && def->domain[0] == 0 ? 7 : def->since;
    pb m = onnx_model(&g, def->domain[0] == 0 ? version : 17);
    if (def->domain[0] != 0) {
        pb o = {NULL, 0, 0};
        pb_str(&o, 1, def->domain);
        pb_int(&o, 2, version);
        pb_msg(&m, 8, &o);
    }
    return m;
}

static void test_operators(void **state)
{
    (void)state;
    static const int allowed[] = {MOTE_OK, MOTE_E_ARGUMENT, MOTE_E_MEMORY, MOTE_E_LIMIT, MOTE_E_MODEL, MOTE_E_UNSUPPORTED, MOTE_E_SHAPE, MOTE_E_DTYPE, MOTE_E_VALUE, -1};
    static const uint8_t fills[] = {0, 1, 0x7f, 0x80, 0xff};
    const char *rounds_text = getenv("MOTE_EVIL_ROUNDS"), *only = getenv("MOTE_EVIL_ONLY"), *save = getenv("MOTE_EVIL_SAVE");
    int rounds = rounds_text != NULL ? atoi(rounds_text) : 30;
    size_t count, made = 0, done = 0, failures = 0;
    const mote_op_def *const *table = mote_op_table(&count);
    for (size_t k = 0; k < count; k++) {
        if (!usable(table[k]) || (only != NULL && strcmp(table[k]->name, only) != 0))
            continue;
        for (int r = 0; r < rounds; r++) {
            uint64_t seed = mote_str_hash(mote_str_c(table[k]->name)) ^ (uint64_t)table[k]->since << 32 ^ (uint64_t)r;
            chance c = {seed * 0x9e3779b97f4a7c15u + 1};
            below(&c, 2);
            pb m = make(&c, table[k]);
            if (save != NULL) { /* the model that a crash is about stands there afterwards */
                FILE *f = fopen(save, "wb");
                if (f == NULL || fwrite(m.p, 1, m.n, f) != m.n || fclose(f) != 0)
                    abort();
            }
            for (int reference = 0; reference < 2; reference++) {
                hostile_options o = {.reference = reference != 0, .step_limit = 1000, .memory_limit = 30 << 20, .fill = fills[(size_t)r % sizeof fills]};
                hostile_result result = hostile_model(m.p, m.n, &o);
                char name[96];
                snprintf(name, sizeof name, "%s-%d, variant %d%s", table[k]->name, (int)table[k]->since, r, reference ? " (reference)" : "");
                failures += !hostile_check(name, &result, allowed);
                made++;
                done += result.status == MOTE_OK;
            }
            pb_free(&m);
        }
    }
    print_message("%zu models, %zu of them ran to the end\n", made, done);
    assert_int_equal(failures, 0);
    assert_true(only != NULL || done > made / 50); /* else the variants are too wild to reach anything */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_operators)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
