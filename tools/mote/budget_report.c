/* budget_report.c - the curve that a search found
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "budget.h"
#include "print.h"

void budget_print(const budget *b, size_t taken)
{
    printf("%-32s %10s", "recipe", "MB");
    if (b->by_ms)
        printf(" %10s", "ms");
    printf(" %10s %10s %10s %8s\n", "in int8", "SQNR dB", "KL", "score");
    for (size_t i = 0; i < b->n; i++) {
        const budget_point *p = &b->points[i];
        printf("%-32.32s %10.3f", p->name, (double)p->result.bytes / 1e6);
        if (b->by_ms)
            printf(" %10.3f", p->ms);
        printf(" %9.1f%% %10.1f %10.2g", p->integers * 100, mote_divergence_sqnr_db(&p->result.all), mote_divergence_kl(&p->result.all));
        if (p->scored)
            printf(" %8.2f", p->score);
        else
            printf(" %8s", "");
        printf("%s%s\n", p->best ? "  *" : "", i == taken ? " taken" : "");
    }
    printf("* none costs less and diverges less; multiplications in int8; %s\n", b->by_ms ? "ms as the profile predicts" : b->by_products ? "cost is what is not in int8" : "cost is bytes");
}

json_t *budget_json(const budget *b, size_t taken)
{
    json_t *points = json_array();
    for (size_t i = 0; i < b->n; i++) {
        const budget_point *p = &b->points[i];
        json_t *j = json_pack("{s:s, s:I, s:o, s:f, s:f, s:f, s:b}", "name", p->name, "bytes", (json_int_t)p->result.bytes, "sqnr_db",
                              json_double(mote_divergence_sqnr_db(&p->result.all)), "kl", mote_divergence_kl(&p->result.all), "cosine", mote_divergence_cosine(&p->result.all),
                              "int8_multiplications", p->integers, "pareto", p->best);
        if (b->by_ms)
            json_object_set_new(j, "ms", json_real(p->ms));
        if (p->scored)
            json_object_set_new(j, "score", json_real(p->score));
        json_object_set_new(j, "recipe", json_loads(p->recipe, 0, NULL));
        json_array_append_new(points, j);
    }
    return json_pack("{s:o, s:I}", "points", points, "taken", (json_int_t)taken);
}
