/* cpu_embed.c - lowering of com.microsoft EmbedLayerNormalization
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/binary/binary.h"
#include "kernels/norm/norm.h"
#include "provider/cpu/lower.h"
#include <string.h>

enum { IDS, SEGMENTS, WORDS, POSITIONS, SEGMENT_TABLE, GAMMA, BETA, MASK, POSITION_IDS };

typedef struct embed_params {
    const mote_norm_row *norm;
    mote_binary_fn add;
    size_t batch, s, n;
    float epsilon;
} embed_params;

typedef struct embed_job {
    const embed_params *p;
    const mote_step *step;
    float *scratch;
} embed_job;

static const mote_array *input(const mote_step *step, uint32_t i) { return i < step->n_in ? step->in[i] : NULL; }
static int32_t id_at(const mote_array *a, size_t i) { return ((const int32_t *)a->data)[i]; }
/* The place of token t, which position_ids says for each token, or for those of one row. */
static int32_t place_of(const embed_params *p, const mote_array *ids, size_t t)
{
    return ids == NULL ? (int32_t)(t % p->s) : id_at(ids, mote_array_count(ids) == p->s ? t % p->s : t);
}
static const float *row_of(const mote_array *table, int32_t id, size_t n) { return (const float *)table->data + (size_t)id * n; }

static void embed_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const embed_job *j = ctx;
    const embed_params *p = j->p;
    const mote_step *s = j->step;
    float *sums = s->n_out > 2 && s->out[2] != NULL ? s->out[2]->data : NULL;
    for (size_t t = begin; t < end; t++) {
        float *row = sums != NULL ? sums + t * p->n : j->scratch + worker * p->n, *y = (float *)s->out[0]->data + t * p->n;
        p->add(row_of(s->in[WORDS], id_at(s->in[IDS], t), p->n), row_of(s->in[POSITIONS], place_of(p, input(s, POSITION_IDS), t), p->n), row, p->n, MOTE_FORM_VV);
        if (s->in[SEGMENTS] != NULL)
            p->add(row, row_of(s->in[SEGMENT_TABLE], id_at(s->in[SEGMENTS], t), p->n), row, p->n, MOTE_FORM_VV);
        p->norm->layer(row, s->in[GAMMA]->data, s->in[BETA]->data, y, 1, p->n, p->epsilon, NULL, NULL);
    }
}

static mote_status within(int32_t id, const mote_array *table, const char *name, mote_diag *diag)
{
    MOTE_REQUIRE(id >= 0 && id < table->dims[0], diag, MOTE_E_VALUE, "%s has %d, expected 0 to %lld", name, id, (long long)table->dims[0] - 1);
    return MOTE_OK;
}

static mote_status embed_run(const mote_step *step, mote_exec *x)
{
    const embed_params *p = step->params;
    const mote_array *mask = input(step, MASK);
    for (size_t t = 0; t < p->batch * p->s; t++) {
        MOTE_TRY(within(id_at(step->in[IDS], t), step->in[WORDS], "input_ids", x->diag));
        MOTE_TRY(within(place_of(p, input(step, POSITION_IDS), t), step->in[POSITIONS], "position_ids", x->diag));
        if (step->in[SEGMENTS] != NULL)
            MOTE_TRY(within(id_at(step->in[SEGMENTS], t), step->in[SEGMENT_TABLE], "segment_ids", x->diag));
    }
    for (size_t b = 0; step->n_out > 1 && step->out[1] != NULL && b < p->batch; b++) {
        int32_t ones = 0;
        for (size_t i = 0; mask != NULL && i < p->s; i++)
            ones += id_at(mask, b * p->s + i) == 1;
        ((int32_t *)step->out[1]->data)[b] = ones;
    }
    embed_job j = {.p = p, .step = step, .scratch = x->scratch};
    mote_parallel_for(x->pool, p->batch * p->s, 8, embed_range, &j);
    return MOTE_OK;
}

static mote_status lower_embed(mote_lower *l)
{
    const mote_array *words = l->in[WORDS], *ids = l->in[IDS];
    if (l->out[0] == NULL || words->dtype != MOTE_DTYPE_F32 || mote_array_count(l->out[0]) == 0 || ids->rank != 2)
        return MOTE_OK;
    const size_t n = (size_t)words->dims[1], s = (size_t)ids->dims[1], tokens = mote_array_count(ids);
    /* what does not fit is said by the evaluation */
    const struct {
        uint32_t input;
        size_t count;
    } sizes[] = {{SEGMENTS, tokens}, {MASK, tokens}, {GAMMA, n}, {BETA, n}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i].input < l->n_in && l->in[sizes[i].input] != NULL && mote_array_count(l->in[sizes[i].input]) != sizes[i].count)
            return MOTE_OK;
    if ((size_t)l->in[POSITIONS]->dims[1] != n || (l->in[SEGMENT_TABLE] != NULL && (size_t)l->in[SEGMENT_TABLE]->dims[1] != n) || s > INT32_MAX ||
        (l->n_in > POSITION_IDS && l->in[POSITION_IDS] != NULL && mote_array_count(l->in[POSITION_IDS]) != tokens && mote_array_count(l->in[POSITION_IDS]) != s))
        return MOTE_OK;
    embed_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (embed_params){.norm = mote_norm_select(l->cpu), .add = mote_binary_select(MOTE_BINARY_ADD, l->cpu)->fn, .batch = (size_t)ids->dims[0], .s = s, .n = n,
                        .epsilon = mote_node_float(l->node, "epsilon", 1e-12f)};
    if (!mote_size_mul(n * sizeof(float), l->workers, &l->scratch_bytes))
        return MOTE_OK;
    l->run = embed_run;
    l->params = p;
    l->kernel = p->norm->name;
    return MOTE_OK;
}

MOTE_LOWER(ms, EmbedLayerNormalization, lower_embed)
