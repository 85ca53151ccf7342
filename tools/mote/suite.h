/* suite.h - folders of ONNX test cases, each run three ways
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_SUITE_H
#define MOTE_TOOL_SUITE_H

#include "engine.h"

typedef struct suite_options {
    const char *root; /* every folder below with model.onnx and test_data_set_N */
    const char *list; /* cases that do not pass: "name reason" a line; NULL: none */
    const char *only; /* cases whose name contains this; NULL: all */
    const char *ways; /* "reference,optimised,round-trip", or some of them; NULL: all */
    double rtol, atol; /* NaN: tolerance.txt of the case, else 1e-3 and 1e-7 */
    bool json, verbose;
    const engine_options *engine;
} suite_options;

/* Runs and prints; gives the exit code: EXIT_DIFFERENT when a case fails that is not listed, or passes though it is. */
int suite_run(const suite_options *o);

#endif
