/* test_operators_doc.c - docs/operators.md is what the tables say today
 * SPDX-License-Identifier: Apache-2.0
 *
 * Usage: test_operators_doc [--write]. The page comes from the operator table, the CPU provider's lowerings and tests/ops/coverage.txt (which test_suite.py keeps:
 * "domain operator cases passed"). --write replaces it. */
#include "base/platform.h"
#include "ops/signature.h"
#include "provider/cpu/lower.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct covered {
    char domain[40], op[64];
    unsigned cases, passed;
} covered;

static covered coverage[600];
static size_t n_coverage;

static void read_coverage(void)
{
    char path[700], line[300];
    snprintf(path, sizeof path, "%s/tests/ops/coverage.txt", MOTE_TEST_SOURCE_DIR);
    FILE *f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL && n_coverage < sizeof coverage / sizeof coverage[0]) {
        covered *c = &coverage[n_coverage];
        if (line[0] != '#' && sscanf(line, "%39s %63s %u %u", c->domain, c->op, &c->cases, &c->passed) == 4)
            n_coverage++;
    }
    if (f != NULL)
        fclose(f);
}

static const covered *covered_by(const char *domain, const char *op)
{
    for (size_t i = 0; i < n_coverage; i++)
        if (strcmp(coverage[i].domain, domain[0] != 0 ? domain : "ai.onnx") == 0 && strcmp(coverage[i].op, op) == 0)
            return &coverage[i];
    return NULL;
}

/* Runs of names that stand for a set. */
static const struct {
    mote_dtypes set;
    const char *name;
} sets[] = {{MOTE_DTYPES_FLOAT, "float16/32/64, bfloat16"}, {MOTE_DT(F16) | MOTE_DT(F32) | MOTE_DT(F64), "float16/32/64"}, {MOTE_DTYPES_INT, "int8..64, uint8..64"},
            {MOTE_DTYPES_SINT, "int8..64"}, {MOTE_DTYPES_UINT, "uint8..64"}, {MOTE_DTYPES_COMPLEX, "complex"}, {MOTE_DTYPES_F8, "float8"},
            {MOTE_DT(U4) | MOTE_DT(S4), "int4, uint4"}, {MOTE_DT(U2) | MOTE_DT(S2), "int2, uint2"}};

static void put_types(FILE *f, mote_dtypes set)
{
    const char *comma = "";
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if ((set & sets[i].set) == sets[i].set) {
            fprintf(f, "%s%s", comma, sets[i].name);
            set &= ~sets[i].set;
            comma = ", ";
        }
    for (int t = 1; t < MOTE_DTYPE_COUNT; t++)
        if ((set >> t & 1u) != 0) {
            fprintf(f, "%s%s", comma, mote_dtype_name((mote_dtype)t));
            comma = ", ";
        }
}

/* The types of the first input (or output) whose type may vary; else the fixed one. */
static void put_first_types(FILE *f, const mote_op_def *def)
{
    for (int side = 0; side < 2; side++) {
        mote_signature s;
        if (mote_signature_read(def, side == 0 ? def->in : def->out, &s) != MOTE_OK)
            continue;
        for (size_t i = 0; i < s.n; i++)
            if (s.args[i].var >= 0) {
                put_types(f, def->types[s.args[i].var].dtypes);
                return;
            }
        if (side == 1 || s.n != 0) {
            if (s.n != 0)
                fprintf(f, "%s", mote_dtype_name(s.args[0].fixed));
            return;
        }
    }
}

/* What a machine form, or the operators that passes make of it, runs by. */
static const char *runs_by(const mote_op_def *def)
{
    static const struct {
        const char *domain, *op, *by;
    } by_pass[] = {{"", "Conv", "kernels (mote.Conv)"}, {"", "MaxPool", "kernels (mote.MaxPool)"}, {"", "AveragePool", "kernels (mote.AveragePool)"},
                   {"", "GlobalAveragePool", "kernels (mote.GlobalAveragePool)"}, {"", "GlobalMaxPool", "kernels (mote.GlobalMaxPool)"},
                   {"", "BatchNormalization", "into the weights before it, else kernels"}, {"", "Einsum", "MatMul, of two operands (pass einsum)"},
                   {"", "QLinearConv", "kernels (mote.QConv)"}, {"", "QLinearMatMul", "kernels (mote.QGemm)"}, {"", "ConvInteger", "kernels (mote.ConvInteger)"},
                   {"", "Dropout", "nothing in inference"}, {"", "Identity", "nothing"}, {"", "Constant", "nothing"}};
    static const char *const rewritten[] = {"Gelu", "FastGelu", "QuickGelu", "BiasGelu", "FusedMatMul", "FusedConv", "FusedGemm", "SkipLayerNormalization",
                                            "SkipSimplifiedLayerNormalization", "QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearLeakyRelu", "QLinearAveragePool",
                                            "QLinearGlobalAveragePool", "QLinearConcat", "QLinearSoftmax", "QLinearWhere", "QGemm", "QuantizeLinear", "DequantizeLinear",
                                            "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QLinearConv", "Attention"};
    if (mote_lower_find(def->domain, def->name) != NULL)
        return "kernels";
    for (size_t i = 0; i < sizeof by_pass / sizeof by_pass[0]; i++)
        if (strcmp(by_pass[i].domain, def->domain) == 0 && strcmp(by_pass[i].op, def->name) == 0)
            return by_pass[i].by;
    if (strcmp(def->domain, MOTE_DOMAIN_ms) == 0)
        for (size_t i = 0; i < sizeof rewritten / sizeof rewritten[0]; i++)
            if (strcmp(rewritten[i], def->name) == 0)
                return "standard operators (passes contrib, qlinear)";
    if ((def->flags & MOTE_OP_CONTROL) != 0)
        return "the executor";
    if ((def->flags & MOTE_OP_VIEW) != 0)
        return "nothing: a view";
    return "reference evaluation";
}

static void put_row(FILE *f, const mote_op_def *const *table, size_t first, size_t end)
{
    const mote_op_def *newest = table[end - 1]->removed && end - 1 > first ? table[end - 2] : table[end - 1];
    const covered *c = covered_by(newest->domain, newest->name);
    fprintf(f, "| %s | ", newest->name);
    for (size_t i = first; i < end; i++)
        fprintf(f, "%s%d%s", i == first ? "" : ", ", (int)table[i]->since, table[i]->removed ? " (gone)" : "");
    fputs(" | ", f);
    put_first_types(f, newest);
    fprintf(f, " | %s | ", runs_by(newest));
    if (c != NULL && c->passed == c->cases)
        fprintf(f, "%u", c->cases);
    else if (c != NULL)
        fprintf(f, "%u of %u", c->passed, c->cases);
    fputs(" |\n", f);
}

static void put_domain(FILE *f, const char *domain, const char *title)
{
    size_t n, operators = 0;
    const mote_op_def *const *table = mote_op_table(&n);
    for (size_t i = 0; i < n; i++)
        operators += strcmp(table[i]->domain, domain) == 0 && (i == 0 || strcmp(table[i - 1]->name, table[i]->name) != 0 || strcmp(table[i - 1]->domain, domain) != 0);
    fprintf(f, "## %s: %zu operators\n\n| operator | versions | element types | runs by | cases |\n|---|---|---|---|---|\n", title, operators);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && strcmp(table[end]->name, table[i]->name) == 0 && strcmp(table[end]->domain, table[i]->domain) == 0;)
            end++;
        if (strcmp(table[i]->domain, domain) == 0)
            put_row(f, table, i, end);
    }
    fputs("\n", f);
}

static void put_page(FILE *f)
{
    fputs("<!-- made by test_operators_doc --write (tests/ops/test_operators_doc.c) and compared in CI; do not edit -->\n"
          "# Operators\n\n"
          "What this build reads and runs. *Versions*: the operator sets in which an operator changed; a model of any set gets the newest that is not newer (sets 1 to 6 are brought\n"
          "to 8 while reading). *Element types*: those of the first operand that may vary, in the newest version. *Runs by*: kernels of the CPU provider where shapes and types have\n"
          "a fast path, the reference evaluation otherwise (`mote bench --profile` names what ran). *Cases*: of ONNX's own node cases, those in which the operator stands and that pass\n"
          "three ways (`mote check --suite`); where some do not, tests/ops/suite.txt has the reasons.\n\n",
          f);
    put_domain(f, "", "ai.onnx");
    put_domain(f, MOTE_DOMAIN_ml, "ai.onnx.ml");
    put_domain(f, MOTE_DOMAIN_ms, "com.microsoft");
    put_domain(f, MOTE_DOMAIN_preview, "ai.onnx.preview");
    fputs("## Refused, by name\n\n"
          "| operator | why |\n|---|---|\n"
          "| ImageDecoder | decoding picture files is the application's: it registers the operator ([custom-operators.md](custom-operators.md)), as the tool does for JPEG, PNG, BMP, PNM |\n"
          "| ai.onnx.preview.training, ai.onnx.training: all | for training |\n"
          "| ai.onnx.ml ZipMap, CastMap, DictVectorizer | maps, which mote does not have; exporters leave them out (skl2onnx: zipmap=False) |\n",
          f);
}

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    if (f != NULL && text != NULL)
        text[fread(text, 1, (1 << 20) - 1, f)] = 0;
    if (f != NULL)
        fclose(f);
    return text;
}

int main(int argc, char **argv)
{
    char path[700], *made = NULL;
    size_t n = 0;
    read_coverage();
    snprintf(path, sizeof path, "%s/docs/operators.md", MOTE_TEST_SOURCE_DIR);
    FILE *f = open_memstream(&made, &n);
    if (f == NULL)
        return 1;
    put_page(f);
    fclose(f);
    if (argc > 1 && strcmp(argv[1], "--write") == 0) {
        FILE *to = fopen(path, "wb");
        const bool written = to != NULL && fwrite(made, 1, n, to) == n;
        return (to == NULL || fclose(to) != 0 || !written) ? 1 : 0;
    }
    char *there = read_all(path);
    int wrong = n_coverage == 0 || there == NULL || strcmp(there, made) != 0;
    if (wrong != 0) {
        size_t at = 0, line = 1;
        while (there != NULL && made[at] != 0 && made[at] == there[at])
            line += made[at++] == '\n';
        printf("docs/operators.md differs at line %zu: run test_operators_doc --write\n", line);
    }
    free(there);
    free(made);
    return wrong;
}
