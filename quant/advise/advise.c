/* advise.c - the rules of the field, with the figures of a model
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/cpu.h"
#include "quant/advise/advise.h"
#include <stdarg.h>
#include <stdio.h>

const char *const mote_advice_names[] = {"nothing", "size", "float16", "int8-static", "int8-dynamic", "hybrid", "tables", "weights-only"};

/* Bytes below which quantization may not pay and above which it is essential; the part of a model from which tables decide its size. */
static const double small = 10e6, large = 50e6, heavy = 0.3;

typedef struct list {
    mote_advice *items;
    size_t n;
} list;

static void add(list *l, mote_advice_kind kind, mote_verdict verdict, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void add(list *l, mote_advice_kind kind, mote_verdict verdict, const char *fmt, ...)
{
    va_list args;
    if (l->n == MOTE_ADVICE_MOST)
        return;
    mote_advice *a = &l->items[l->n++];
    a->kind = kind;
    a->verdict = verdict;
    va_start(args, fmt);
    vsnprintf(a->why, sizeof a->why, fmt, args);
    va_end(args);
}

static double part(uint64_t a, uint64_t b) { return b != 0 ? (double)a / (double)b : 0; }

static void advise_size(list *l, const mote_facts *f, double file, double integers)
{
    const double mb = file / 1e6, half = mb / 2;
    if (file < small)
        add(l, MOTE_ADVICE_SIZE, MOTE_VERDICT_MAYBE, "%.2f MB: below 10 MB the gain may not pay: %.2f MB as float16, about %.2f with its products in INT8", mb, half, integers / 1e6);
    else
        add(l, MOTE_ADVICE_SIZE, MOTE_VERDICT_YES, "%.1f MB: %s: %.1f MB as float16, about %.1f with its products in INT8%s", mb, file > large ? "above 50 MB quantization is essential" : "quantization pays",
            half, integers / 1e6, part(f->table_bytes, f->bytes) >= heavy ? ", which leaves tables in float32" : "");
}

static void advise_half(list *l, uint32_t cpu)
{
    const char *has = (cpu & MOTE_CPU_FP16) != 0 ? "float16 arithmetic (fp16)" : (cpu & MOTE_CPU_AVX512FP16) != 0 ? "float16 arithmetic (avx512fp16)" : "no float16 arithmetic";
    add(l, MOTE_ADVICE_FLOAT16, MOTE_VERDICT_YES, "first: half the file, hardly a change of the answers, no samples needed. This machine has %s%s; mote computes float16 with float32's kernels: no faster than float32", has,
        (cpu & (MOTE_CPU_FP16 | MOTE_CPU_AVX512FP16)) != 0 ? ", which other runtimes may use" : "");
}

static const char *integer_unit(uint32_t cpu)
{
    return (cpu & MOTE_CPU_AVX512VNNI) != 0 ? "avx512vnni" : (cpu & MOTE_CPU_AVXVNNI) != 0 ? "avxvnni" : (cpu & MOTE_CPU_I8MM) != 0 ? "i8mm" : (cpu & MOTE_CPU_DOTPROD) != 0 ? "dotprod" : NULL;
}

static void advise_integers(list *l, const mote_facts *f, uint32_t cpu, bool sound)
{
    const char *unit = integer_unit(cpu);
    char machine[100];
    snprintf(machine, sizeof machine, "this machine %s%s", unit != NULL ? "has 8-bit products: " : "has no 8-bit products of its own", unit != NULL ? unit : "");
    if (sound)
        add(l, MOTE_ADVICE_STATIC, MOTE_VERDICT_NO, "all in INT8: errors that come back through states or long sums are heard; see hybrid");
    else if (f->open_lengths)
        add(l, MOTE_ADVICE_STATIC, MOTE_VERDICT_MAYBE, "lengths vary (%s): ranges must hold for all of them; samples of every length needed", f->open);
    else
        add(l, MOTE_ADVICE_STATIC, MOTE_VERDICT_YES, "where latency demands it: shapes are fixed%s, %zu convolutions, %zu other products; %s", f->open_batch ? " but for the batch" : "",
            f->convolutions, f->products, machine);
    if (sound || f->products == 0)
        return;
    if (f->open_lengths)
        add(l, MOTE_ADVICE_DYNAMIC, MOTE_VERDICT_YES, "lengths vary (%s): ranges come from each input, no samples needed; %zu products; %s", f->open, f->products, machine);
    else if (f->products > f->convolutions)
        add(l, MOTE_ADVICE_DYNAMIC, MOTE_VERDICT_MAYBE, "%zu products with constant weights: without samples, but ranges are found in each run", f->products);
}

size_t mote_advise(const mote_facts *f, uint64_t file_bytes, uint32_t cpu, mote_advice out[MOTE_ADVICE_MOST])
{
    list l = {out, 0};
    const double file = (double)(file_bytes > f->bytes ? file_bytes : f->bytes);
    const bool sound = f->recurrent != 0 || f->loops != 0 || f->dilated != 0;
    const size_t n = f->convolutions + f->products + f->recurrent, reached = n - (f->inside < n ? f->inside : n);
    if (f->quantized != 0) {
        add(&l, MOTE_ADVICE_NOTHING, MOTE_VERDICT_NO, "it is quantized already: %zu quantized operators. Quantize the float model that it came from", f->quantized);
        return l.n;
    }
    if (part(f->half_bytes, f->bytes) > 0.5) {
        add(&l, MOTE_ADVICE_NOTHING, MOTE_VERDICT_NO, "it is in 16 bits already: %.0f %% of its parameters. Quantize the float32 model that it came from", 100 * part(f->half_bytes, f->bytes));
        return l.n;
    }
    if (n == 0) {
        add(&l, MOTE_ADVICE_NOTHING, MOTE_VERDICT_NO, "it has no Conv, Gemm, MatMul, LSTM, GRU or RNN with weights: nothing that quantization is about");
        return l.n;
    }
    advise_size(&l, f, file, file - (double)f->layer_bytes * 0.75 - (double)f->recurrent_bytes * 0.5);
    advise_half(&l, cpu);
    if (f->inside != 0 && reached == 0) {
        add(&l, MOTE_ADVICE_STATIC, MOTE_VERDICT_NO, "its %zu layers are in bodies of If, Loop or Scan, which integers do not reach%s%.*s%s", f->inside, f->branches != 0 && f->chooser.n != 0 ? "; --fix \"" : "",
            (int)(f->chooser.n < 60 ? f->chooser.n : 0), f->chooser.n < 60 && f->chooser.n != 0 ? f->chooser.p : "", f->branches != 0 && f->chooser.n != 0 ? "=VALUE\" folds branches on that input away: give it here, too" : "");
        return l.n;
    }
    advise_integers(&l, f, cpu, sound);
    if (sound)
        add(&l, MOTE_ADVICE_HYBRID, MOTE_VERDICT_YES, "recurrent, autoregressive or high-gain sound (%zu LSTM, GRU or RNN, %zu Loop or Scan, %zu dilated 1-D convolutions): INT8 where it does no harm, float16 for the rest",
            f->recurrent, f->loops, f->dilated);
    if (part(f->table_bytes, f->bytes) >= heavy)
        add(&l, MOTE_ADVICE_TABLES, MOTE_VERDICT_YES, "embeddings are %.0f %% of the parameters: tables in float16, products in INT8: about %.1f MB", 100 * part(f->table_bytes, f->bytes),
            (file - (double)f->layer_bytes * 0.75 - (double)f->table_bytes * 0.5) / 1e6);
    if (file >= small)
        add(&l, MOTE_ADVICE_WEIGHTS, MOTE_VERDICT_MAYBE, "for the file alone (to send or store): mote dequantizes such weights in every run, so it is slower");
    return l.n;
}
