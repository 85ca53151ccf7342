/* test_transpose.c - matrix transposes of every row, and strided copies against element by element
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/transpose/transpose.h"

static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 33, 50, 70, 131};
enum { N = sizeof sizes / sizeof sizes[0] };

static const char *check(const void *which)
{
    static guard gx, gy;
    const mote_transpose_row *row = which;
    if (gx.base == NULL)
        gx = guard_make(131 * 134 * 8), gy = guard_make(131 * 134 * 8);
    for (size_t a = 0; a < N; a++)
        for (size_t b = 0; b < N; b++) {
            size_t r = sizes[a], c = sizes[b], s = row->size, is = (c + (a & 1) * 3) * s, os = (r + (b & 1) * 2) * s;
            size_t in_bytes = (r - 1) * is + c * s, out_bytes = (c - 1) * os + r * s;
            unsigned char *x = guard_at(&gx, in_bytes, a & 1), *y = guard_at(&gy, out_bytes, b & 1);
            for (size_t i = 0; i < in_bytes; i++)
                x[i] = (unsigned char)(i * 7 + i / 251);
            memset(y, 0xee, out_bytes);
            row->fn(x, y, r, c, is, os);
            for (size_t i = 0; i < c; i++)
                for (size_t j = 0; j < os / s && i * os + j * s < out_bytes; j++)
                    for (size_t t = 0; t < s; t++) {
                        unsigned char got = y[i * os + j * s + t], want = j < r ? x[j * is + i * s + t] : 0xee;
                        if (got != want)
                            guard_wrong("%s: %zu x %zu, element %zu,%zu", row->name, r, c, i, j);
                    }
        }
    return NULL;
}

static void tiles(void **state)
{
    (void)state;
    size_t count;
    const mote_transpose_row *rows = mote_transpose_rows(&count);
    kcheck_rows(rows, count, sizeof *rows, check);
}

static void writes_gaps(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride)
{
    mote_transpose_select(4, 0)->fn(in, out, rows, cols, in_stride, out_stride);
    if (cols > 1 && out_stride > rows * 4)
        memset((char *)out + rows * 4, 0, 4);
}
static void reads_behind(const void *in, void *out, size_t rows, size_t cols, size_t in_stride, size_t out_stride)
{
    const volatile char *end = (const char *)in + (rows - 1) * in_stride + cols * 4;
    mote_transpose_select(4, 0)->fn(in, out, rows, cols, in_stride, out_stride);
    (void)*end;
}

static void planted(void **state)
{
    (void)state;
    mote_transpose_row row = *mote_transpose_select(4, 0);
    row.fn = writes_gaps;
    kcheck_caught(&row, check);
    row.fn = reads_behind;
    kcheck_caught(&row, check);
}

static void strided_copies(void **state)
{
    (void)state;
    static unsigned char in[1 << 20], out[1 << 20], want[1 << 20];
    static const size_t element[] = {1, 2, 4, 8, 12};
    uint64_t seed = 21;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)rng_next(&seed);
    for (int trial = 0; trial < 3000; trial++) {
        int rank = (int)(rng_next(&seed) % 6);
        size_t size = element[rng_next(&seed) % 5], dims[6], total = size, in_dims[6];
        int order[6];
        ptrdiff_t is[6], os[6], origin = 0;
        for (int i = 0; i < rank; i++) {
            dims[i] = 1 + rng_next(&seed) % (trial % 3 == 0 ? 40 : 5);
            if (total * dims[i] > sizeof in / 4)
                dims[i] = 1;
            total *= dims[i];
            order[i] = i;
        }
        for (int i = rank - 1; i > 0; i--) {
            int j = (int)(rng_next(&seed) % (uint64_t)(i + 1)), t = order[i];
            order[i] = order[j], order[j] = t;
        }
        ptrdiff_t stride = (ptrdiff_t)size;
        for (int i = rank - 1; i >= 0; i--) { /* in: permuted, some axes reversed, repeated or cut out of longer ones */
            int axis = order[i];
            uint64_t kind = rng_next(&seed) % 8;
            in_dims[axis] = dims[axis];
            is[axis] = stride;
            if (kind == 0) {
                is[axis] = 0;
            } else if (kind == 1) {
                origin += stride * (ptrdiff_t)(dims[axis] - 1);
                is[axis] = -stride;
                stride *= (ptrdiff_t)in_dims[axis];
            } else if (stride * (ptrdiff_t)dims[axis] <= (ptrdiff_t)sizeof in / 8 && kind == 2) {
                stride *= (ptrdiff_t)dims[axis] + 1;
            } else {
                stride *= (ptrdiff_t)in_dims[axis];
            }
        }
        stride = (ptrdiff_t)size;
        for (int i = rank - 1; i >= 0; i--) {
            os[i] = stride;
            stride *= (ptrdiff_t)dims[i];
        }
        mote_copy_plan p;
        mote_copy_plan_make(&p, size, rank, dims, is, os, mote_cpu_features());
        memset(out, 0, total);
        size_t cut = p.units / 3;
        mote_copy_run(&p, in + origin, out, cut, p.units);
        mote_copy_run(&p, in + origin, out, 0, cut);
        for (size_t e = 0; e < total / size; e++) {
            size_t rest = e;
            ptrdiff_t at = origin;
            for (int i = rank - 1; i >= 0; i--) {
                at += (ptrdiff_t)(rest % dims[i]) * is[i];
                rest /= dims[i];
            }
            memcpy(want + e * size, in + at, size);
        }
        expect_bytes("copy", out, want, total);
    }
}

typedef struct job {
    const mote_transpose_row *row;
    char *in, *out;
} job;
static void run(void *ctx)
{
    job *j = ctx;
    j->row->fn(j->in, j->out, 196, 256, 256 * j->row->size, 196 * j->row->size);
}
static void bench(const void *row)
{
    static char in[196 * 256 * 8], out[196 * 256 * 8];
    job j = {row, in, out};
    kcheck_report(j.row->name, "196x256", kcheck_time(run, &j), 196 * 256, "elements");
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        size_t count;
        const mote_transpose_row *rows = mote_transpose_rows(&count);
        kcheck_bench_rows(rows, count, sizeof *rows, filter, bench);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(tiles), cmocka_unit_test(planted),
                                       cmocka_unit_test(strided_copies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
