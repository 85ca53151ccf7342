/* latency.h - what each layer takes at each precision on a machine, and what borders between precisions take
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_LATENCY_H
#define MOTE_TOOL_LATENCY_H

#include "trial.h"

enum { LATENCY_PRECISIONS = 3 }; /* f32, f16, int8 */
extern const char *const latency_precisions[LATENCY_PRECISIONS];
enum { LATENCY_TO_F16, LATENCY_TO_F32, LATENCY_QUANTIZE, LATENCY_DEQUANTIZE, LATENCY_BORDERS };

typedef struct latency {
    size_t n;                            /* layers, in the model's order */
    double *ms;                          /* [layers, LATENCY_PRECISIONS]: a layer and what follows it up to the next one */
    double before[LATENCY_PRECISIONS];   /* ms up to the first layer */
    double total[LATENCY_PRECISIONS];    /* ms of a run of the model that is all of this precision */
    double border[LATENCY_BORDERS];      /* ns an element */
} latency;

/* Measures: `runs` runs of the model under each precision, the least of each figure. */
mote_status latency_measure(trial *t, size_t runs, latency *out, mote_diag *diag);
json_t *latency_json(const latency *l, const trial *t, size_t runs, uint64_t threads);
/* A profile that latency_json wrote, for the layers of this model. MOTE_E_FORMAT; MOTE_E_ARGUMENT when the layers are others. */
mote_status latency_read(const char *path, const trial *t, latency *out, mote_diag *diag);
/* ms of one element from a layer of precision `from` to one of `to`. */
double latency_border_ms(const latency *l, size_t from, size_t to);
void latency_free(latency *l);

#endif
