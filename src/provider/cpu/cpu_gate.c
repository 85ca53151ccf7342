/* cpu_gate.c - the gate of a WaveNet: tanh of one half times sigmoid of the other
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_gate.h"
#include "provider/cpu/lower.h"

enum { BLOCK = 512, GRAIN = 8192 };

mote_cpu_gate mote_cpu_gate_of(uint32_t cpu, size_t n)
{
    return (mote_cpu_gate){.tanh = mote_unary_select(MOTE_UNARY_TANH, cpu)->fn, .sigmoid = mote_unary_select(MOTE_UNARY_SIGMOID, cpu)->fn,
                           .mul = mote_binary_select(MOTE_BINARY_MUL, cpu)->fn, .n = n};
}

void mote_cpu_gate_rows(const mote_cpu_gate *g, const float *x, float *y, size_t rows)
{
    float t[BLOCK];
    for (size_t r = 0; r < rows; r++, x += 2 * g->n, y += g->n)
        for (size_t i = 0, n; i < g->n; i += n) {
            n = g->n - i < BLOCK ? g->n - i : BLOCK;
            g->sigmoid(x + g->n + i, t, n, NULL);
            g->tanh(x + i, y + i, n, NULL);
            g->mul(y + i, t, y + i, n, MOTE_FORM_VV);
        }
}

typedef struct gate_params {
    mote_cpu_gate gate;
    size_t rows;
} gate_params;

typedef struct gate_job {
    const gate_params *p;
    const float *x;
    float *y;
} gate_job;

static void gate_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const gate_job *j = ctx;
    const size_t n = j->p->gate.n;
    mote_cpu_gate_rows(&j->p->gate, j->x + begin * 2 * n, j->y + begin * n, end - begin);
}

static mote_status gate_run(const mote_step *step, mote_exec *x)
{
    gate_job j = {.p = step->params, .x = step->in[0]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, j.p->rows, 1 + GRAIN / (2 * j.p->gate.n), gate_range, &j);
    return MOTE_OK;
}

static mote_status lower_gate(mote_lower *l)
{
    const mote_array *y = l->out[0];
    gate_params *p;
    if (y == NULL || y->rank < 1 || mote_array_count(y) == 0 || y->dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    const size_t n = (size_t)y->dims[y->rank - 1];
    *p = (gate_params){.gate = mote_cpu_gate_of(l->cpu, n), .rows = mote_array_count(y) / n};
    l->run = gate_run;
    l->params = p;
    l->kernel = mote_unary_select(MOTE_UNARY_TANH, l->cpu)->name;
    return MOTE_OK;
}

MOTE_LOWER(mote, Gate, lower_gate)
