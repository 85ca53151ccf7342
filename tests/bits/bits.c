/* bits.c - prints a checksum of what each kernel family computes: equal lines from every compiler, dialect and machine
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rows of a family agree among themselves (tests/kernels); here the best row for this CPU and the plain C row speak for them. */
#include "base/platform.h"
#include "base/half.h"
#include "base/str.h"
#include "kernels/binary/binary.h"
#include "kernels/gemm/gemm.h"
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"
#include "kernels/unary/unary.h"
#include "ops/op.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { N = 4099 };
static float x[N], x2[N], y[N];
static const char *const kinds[] = {"best", "plain"};
static uint32_t cpu_of(int plain) { return plain ? MOTE_CPU_NONE : mote_cpu_features(); }

/* Numbers of all sizes and signs, and the special ones. */
static void fill(float *to, size_t n, uint64_t seed)
{
    static const uint32_t special[] = {0, 0x80000000u, 1, 0x80000001u, 0x7f800000u, 0xff800000u, 0x7fc00000u, 0x3f800000u, 0xbf800000u};
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t r = (uint32_t)(seed >> 32);
        if (r % 16 == 0)
            to[i] = mote_f32_from_bits(special[r / 16 % (sizeof special / sizeof *special)]);
        else if (r % 4 == 0)
            to[i] = mote_f32_from_bits((uint32_t)(seed >> 20));
        else
            to[i] = ((float)(r >> 8) - 0x1p23f) * 0x1p-20f; /* [-8, 8) */
    }
}

/* Every NaN counts as the same one: which NaN comes out is the machine's choice. */
static void print(const char *what, float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] != v[i])
            v[i] = mote_f32_from_bits(0x7fc00000u);
    printf("%-28s %016" PRIx64 "\n", what, mote_str_hash((mote_str){(const char *)v, n * sizeof *v}));
}

static void unary(int plain)
{
    static const float params[2] = {0.25f, 1.5f};
    for (int op = 0; op < MOTE_UNARY_COUNT; op++) {
        char name[32];
        snprintf(name, sizeof name, "unary %d", op);
        fill(x, N, (uint64_t)op + 1);
        mote_unary_select((mote_unary)op, cpu_of(plain))->fn(x, y, N, params);
        print(name, y, N);
    }
}

static void binary(int plain)
{
    for (int op = 0; op < MOTE_BINARY_COUNT; op++)
        for (unsigned form = MOTE_FORM_VV; form <= MOTE_FORM_VS; form++) {
            char name[32];
            snprintf(name, sizeof name, "binary %d %u", op, form);
            fill(x, N, (uint64_t)op + 100);
            fill(x2, N, (uint64_t)op + 200);
            memset(y, 0, sizeof y); /* the tests write bytes */
            mote_binary_select((mote_binary)op, cpu_of(plain))->fn(x, x2, y, N, form);
            print(name, y, N);
        }
}

static void rows_and_columns(int plain)
{
    char name[32];
    for (int op = 0; op < MOTE_REDUCE_COUNT; op++)
        for (int special = 0; special < 2; special++) {
            const mote_reduce_row *row = mote_reduce_select((mote_reduce)op, cpu_of(plain));
            fill(x, N, (uint64_t)op + 300);
            for (size_t i = 0; i < N && !special; i++)
                x[i] = (float)(int)(i * 2654435761u % 1999) * 0x1p-9f - 1.5f;
            snprintf(name, sizeof name, "reduce %d %d rows", op, special);
            row->rows(x, 409, y, 10, 401);
            print(name, y, 10);
            snprintf(name, sizeof name, "reduce %d %d columns", op, special);
            row->cols(x, 7, y, 585, 7);
            print(name, y, 7);
        }
    for (int log = 0; log < 2; log++) {
        const mote_softmax_row *row = mote_softmax_select(log != 0, cpu_of(plain));
        for (size_t i = 0; i < N; i++)
            x[i] = (float)(int)(i * 2654435761u % 1999) * 0x1p-6f - 15.5f;
        snprintf(name, sizeof name, "softmax %d rows", log);
        row->rows(x, y, 10, 401);
        print(name, y, 4010);
        snprintf(name, sizeof name, "softmax %d columns", log);
        row->cols(x, y, 100, 40, 0, 40);
        print(name, y, 4000);
    }
}

static void gemm(int plain)
{
    enum { GM = 23, GN = 67, GK = 59 };
    _Alignas(64) static float packed[(GN + 15) / 16 * 16 * (GK + 1)];
    const mote_gemm_f32_row *row = mote_gemm_f32_select(cpu_of(plain));
    for (size_t i = 0; i < N; i++) {
        x[i] = (float)(int)(i * 2654435761u % 1999) * 0x1p-10f - 0.9f;
        x2[i] = (float)(int)(i * 2246822519u % 2003) * 0x1p-10f - 1.1f;
    }
    mote_gemm_f32_source source = {.src = x2, .bias = x, .n = GN, .taps = 1, .kc = GK, .k_stride = GN, .n_stride = 1};
    mote_gemm_f32_pack(row->nr, &source, packed, 0, mote_gemm_panels(row->nr, GN));
    mote_gemm_f32_op op = {.row = row, .m = GM, .n = GN, .taps = 1, .kc = GK, .a = x, .a_stride = GK, .b = packed, .c = y, .c_stride = GN};
    mote_gemm_f32_block(&op, 0, GM, 0, mote_gemm_panels(row->nr, GN));
    print("gemm", y, GM * GN);
}

/* ---- what operators mean: src/ops, through the text form ---- */

static void operator_lines(const char *title, const char *body)
{
    char text[1024];
    snprintf(text, sizeof text, "module ir 8 opset \"\" 17 graph () {\n%s\n return y }\n", body);
    mote_heap heap;
    mote_module *m = NULL;
    mote_array out = {0};
    mote_diag diag = MOTE_DIAG_INIT;
    mote_heap_init(&heap, NULL, 0);
    mote_status status = mote_module_parse(&heap, mote_str_c(text), &m, &diag);
    if (status == MOTE_OK)
        status = mote_ops_resolve(m, &diag);
    if (status == MOTE_OK)
        status = mote_infer_module(m, &diag);
    if (status == MOTE_OK)
        status = mote_eval_graph(m->graph, NULL, 0, &out, 1, &heap, 0, NULL, NULL, &diag);
    if (status != MOTE_OK)
        printf("%-28s %s\n", title, diag.message);
    else if (out.dtype == MOTE_DTYPE_F32)
        print(title, out.data, mote_array_count(&out));
    else
        printf("%-28s %016" PRIx64 "\n", title, mote_str_hash((mote_str){out.data, out.bytes}));
    if (status == MOTE_OK)
        mote_array_free(&heap, &out);
    mote_module_destroy(&m);
}

/* Every operator that takes one or two tensors and nothing else, on f32. */
static void plain_operators(void)
{
    size_t count;
    const mote_op_def *const *table = mote_op_table(&count);
    for (size_t i = 0; i < count; i++) {
        const mote_op_def *def = table[i];
        if (def->domain[0] != 0 || def->eval == NULL || def->removed || (def->flags & (MOTE_OP_RANDOM | MOTE_OP_CONTROL)) != 0 ||
            strlen(def->in) > 12 || strpbrk(def->in, "*?:") == NULL || strchr(def->in, '*') != NULL)
            continue;
        char body[512], title[64];
        bool two = strchr(def->in, ' ') != NULL;
        snprintf(title, sizeof title, "%s@%d", def->name, (int)def->since);
        snprintf(body, sizeof body, "const a: float32[3,4,5] random 5 const b: float32[3,4,5] random 6 y = %s@%d(a%s)", def->name,
                 (int)def->since, two ? ", b" : "");
        operator_lines(title, body);
    }
}

static void chosen_operators(void)
{
    static const char *const lines[] = {
        "const x: float32[1,3,9,11] random 1 const w: float32[4,3,3,3] random 2 const b: float32[4] random 3\n"
        "y = Conv(x, w, b) {pads=[1, 1, 1, 1], strides=[2, 1]}",
        "const x: float32[1,6,7,7] random 1 const w: float32[6,1,5,5] random 2 y = Conv(x, w) {group=6, pads=[2, 2, 2, 2]}",
        "const x: float32[1,3,5,5] random 1 const w: float32[3,4,3,3] random 2 y = ConvTranspose(x, w) {strides=[2, 2]}",
        "const x: float32[7,33] random 1 const w: float32[33,19] random 2 const b: float32[19] random 3 y = Gemm(x, w, b) {alpha=0.5}",
        "const x: float32[2,7,33] random 1 const w: float32[2,33,19] random 2 y = MatMul(x, w)",
        "const x: float32[1,3,9,9] random 1 y = AveragePool(x) {kernel_shape=[3, 3], pads=[1, 1, 1, 1]}",
        "const x: float32[1,3,9,9] random 1 y = MaxPool(x) {kernel_shape=[3, 3], strides=[2, 2]}",
        "const x: float32[1,3,9,9] random 1 y = GlobalAveragePool(x)",
        "const x: float32[5,77] random 1 y = Softmax(x) {axis=1}",
        "const x: float32[5,77] random 1 y = Softmax(x) {axis=0}",
        "const x: float32[5,77] random 1 y = ReduceMean(x) {axes=[1]}",
        "const x: float32[5,77] random 1 y = ReduceLogSumExp(x) {axes=[0]}",
        "const x: float32[5,77] random 1 const s: float32[77] random 2 const b: float32[77] random 3 y = LayerNormalization(x, s, b)",
        "const x: float32[2,3,8] random 1 const s: float32[3] random 2 const b: float32[3] random 3 y = InstanceNormalization(x, s, b)",
        "const x: float32[4,2,5] random 1 const w: float32[1,12,5] random 2 const r: float32[1,12,3] random 3\n"
        "y, _, _ = LSTM(x, w, r) {hidden_size=3}",
        "const x: float32[4,2,5] random 1 const w: float32[1,9,5] random 2 const r: float32[1,9,3] random 3\n"
        "y, _ = GRU(x, w, r) {hidden_size=3}",
        "const x: float32[1,2,5,5] random 1 const s: float32[4] {1.0, 1.0, 1.7, 2.3} y = Resize(x, _, s) {mode=\"linear\"}",
        "const x: float32[1,2,5,5] random 1 const s: float32[4] {1.0, 1.0, 1.7, 2.3} y = Resize(x, _, s) {mode=\"cubic\"}",
        "const x: float32[50] random 1 const s: float32[] {0.013} const z: uint8[] {128} y = QuantizeLinear(x, s, z)",
        "const x: uint8[1,3,9,9] random 1 const w: int8[4,3,3,3] random 2 y = ConvInteger(x, w)",
        "const x: uint8[7,33] random 1 const w: int8[33,19] random 2 y = MatMulInteger(x, w)",
        "const x: float32[60] random 1 y = Cast(x) {to=10}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char title[32];
        snprintf(title, sizeof title, "line %zu", i);
        operator_lines(title, lines[i]);
    }
}

int main(void)
{
    for (int plain = 0; plain < 2; plain++) {
        printf("kernels: %s\n", kinds[plain]);
        unary(plain);
        binary(plain);
        rows_and_columns(plain);
        gemm(plain);
    }
    plain_operators();
    chosen_operators();
    return 0;
}
