/* test_lower_recurrent.c - LSTM, GRU, RNN: bits of the reference evaluation for directions, layouts, lengths, initial states
 * SPDX-License-Identifier: Apache-2.0 */
#include "compare_text.h"

enum { LENGTHS = 1, STATES = 2, BIAS = 4, VARIABLE = 8 };

static void check(const char *op, const char *direction, int layout, int flags, int steps, int batch, int input, int hidden, const char *more)
{
    char text[4096], states[2][64], in[512] = "", consts[1024] = "", args[256];
    const int gates = strcmp(op, "LSTM") == 0 ? 4 : strcmp(op, "GRU") == 0 ? 3 : 1, dirs = strcmp(direction, "bidirectional") == 0 ? 2 : 1;
    snprintf(states[0], sizeof states[0], "float32[%d,%d,%d]", layout ? batch : dirs, layout ? dirs : batch, hidden);
    char *at = (flags & VARIABLE) != 0 ? in : consts;
    const char *first = (flags & VARIABLE) != 0 ? ", " : " const ", *fill = (flags & VARIABLE) != 0 ? "" : " random 7";
    snprintf(at, 512, "%sw: float32[%d,%d,%d]%s%sr: float32[%d,%d,%d]%s", first, dirs, gates * hidden, input, fill, first, dirs, gates * hidden, hidden, fill);
    if ((flags & BIAS) != 0)
        snprintf(at + strlen(at), 512 - strlen(at), "%sb: float32[%d,%d]%s", first, dirs, 2 * gates * hidden, fill);
    if ((flags & LENGTHS) != 0)
        snprintf(in + strlen(in), sizeof in - strlen(in), ", len: int32[%d]", batch);
    if ((flags & STATES) != 0)
        snprintf(in + strlen(in), sizeof in - strlen(in), ", h: %s%s%s", states[0], gates == 4 ? ", c: " : "", gates == 4 ? states[0] : "");
    snprintf(args, sizeof args, "x, w, r, %s, %s, %s%s", (flags & BIAS) != 0 ? "b" : "_", (flags & LENGTHS) != 0 ? "len" : "_",
             (flags & STATES) != 0 ? "h" : "_", gates == 4 ? ((flags & STATES) != 0 ? ", c" : ", _") : "");
    snprintf(text, sizeof text,
             "module ir 8 opset \"\" 17 graph (x: float32[%d,%d,%d]%s) {%s y, yh%s = %s(%s) {direction=\"%s\", hidden_size=%d, layout=%d%s} return y, yh%s }",
             layout ? batch : steps, layout ? steps : batch, input, in, consts, gates == 4 ? ", yc" : "", op, args, direction, hidden, layout, more,
             gates == 4 ? ", yc" : "");
    text_compare(text, NULL, op, strstr(more, "Softsign") != NULL || strstr(more, "clip") != NULL ? "reference" : "mote_recurrent");
}

static void all_forms(void **state)
{
    (void)state;
    static const char *const directions[] = {"forward", "reverse", "bidirectional"};
    static const char *const ops[] = {"LSTM", "GRU", "GRU", "RNN", "RNN"};
    static const char *const more[] = {"", "", ", linear_before_reset=1", "", ", activations=[\"Relu\"]"};
    for (size_t o = 0; o < 5; o++)
        for (int d = 0; d < 3; d++)
            for (int layout = 0; layout < 2; layout++) {
                const char *extra = o == 4 && d == 2 ? ", activations=[\"Relu\", \"Relu\"]" : more[o];
                const int flags = (int)(o * 7 + (size_t)d * 3 + (size_t)layout * 5) % 16;
                check(ops[o], directions[d], layout, flags, 3 + d, 1 + layout * 2, 5, 7 + 10 * d, extra);
                check(ops[o], directions[d], layout, ~flags & 15, 4, 3, 17, 16, extra);
            }
}

/* A product that is large enough for several threads; one step of one item, as in streaming. */
static void sizes(void **state)
{
    (void)state;
    check("LSTM", "forward", 0, BIAS | STATES, 1, 1, 257, 128, "");
    check("LSTM", "forward", 0, BIAS, 3, 33, 20, 70, "");
    check("GRU", "reverse", 1, BIAS, 3, 33, 20, 96, "");
}

static void left_alone(void **state)
{
    (void)state;
    check("LSTM", "forward", 0, BIAS, 3, 2, 4, 5, ", clip=0.5");
    check("GRU", "forward", 0, BIAS, 3, 2, 4, 5, ", activations=[\"Sigmoid\", \"Softsign\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_forms), cmocka_unit_test(sizes), cmocka_unit_test(left_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
