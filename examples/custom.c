/* custom.c - a model with an operator of the application's own: com.example::Swirl, which no runtime knows
 * SPDX-License-Identifier: Apache-2.0
 *
 *     custom swirl.onnx 1 2 3 4      runs a model with Swirl nodes and one float32 input of as many numbers, prints its outputs
 *
 * Swirl(X, factor=0.5) is x[i] + factor * x[i-1] along the last axis, x[-1] being the row's last element. */
#include <mote/mote_custom.h>
#include <stdio.h>
#include <stdlib.h>

/* The output has the input's type; sizes that are not known yet (or only by name) pass through. */
static mote_status swirl_infer(void *user, mote_custom_call *call)
{
    (void)user;
    const mote_tensor *x = mote_custom_input(call, 0);
    if (x->rank == 0)
        return mote_custom_fail(call, MOTE_E_SHAPE, "X has rank 0, expected 1 or more");
    return mote_custom_set_output(call, 0, x->dtype, x->rank, x->shape);
}

/* May run on several threads at once: everything it needs is in the call. */
static mote_status swirl_compute(void *user, mote_custom_call *call)
{
    (void)user;
    const mote_tensor *x = mote_custom_input(call, 0);
    const float *in = mote_tensor_map(x), factor = mote_custom_float(call, "factor");
    float *out = mote_tensor_map(mote_custom_output(call, 0));
    const int64_t row = x->shape[x->rank - 1];
    for (int64_t i = 0; i < mote_tensor_count(x); i++)
        out[i] = in[i] + factor * in[i % row == 0 ? i + row - 1 : i - 1];
    return MOTE_OK;
}

static int fail(const char *what, const mote_diag *diag)
{
    fprintf(stderr, "custom: %s: %s%s%s%s%s\n", what, diag->op, diag->node[0] != 0 ? " '" : "", diag->node, diag->node[0] != 0 ? "': " : " ", diag->message);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fprintf(stderr, "usage: custom model.onnx NUMBER...\n"), 2;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_custom_op swirl = MOTE_CUSTOM_OP_INIT;
    swirl.domain = "com.example", swirl.name = "Swirl";
    swirl.inputs = "X:float32", swirl.outputs = "Y:float32", swirl.attributes = "factor:float=0.5";
    swirl.infer = swirl_infer, swirl.compute = swirl_compute;

    mote_custom_ops *ops;
    if (mote_custom_ops_create(NULL, &ops) || mote_custom_ops_add(ops, &swirl, &diag))
        return fail("Swirl", &diag);
    mote_load_options options = MOTE_LOAD_OPTIONS_INIT;
    options.custom_ops = ops;
    mote_model *model;
    mote_session *session;
    if (mote_model_load_path(argv[1], &options, &model, &diag) || mote_session_create(model, NULL, &session, &diag))
        return fail(argv[1], &diag);
    mote_custom_ops_destroy(&ops); /* the model keeps what it needs */

    const int64_t n = argc - 2;
    mote_tensor shape;
    if (mote_tensor_describe(&shape, MOTE_DTYPE_F32, 1, &n, NULL) || mote_session_prepare(session, &shape, 1, &diag))
        return fail("prepare", &diag);
    float *x = mote_tensor_map(mote_session_input(session, 0));
    for (int64_t i = 0; i < n; i++)
        x[i] = strtof(argv[2 + i], NULL);
    if (mote_session_run(session, NULL, &diag))
        return fail("run", &diag);
    const mote_tensor *y = mote_session_output(session, 0);
    for (int64_t i = 0; i < mote_tensor_count(y); i++)
        printf("%s%g", i == 0 ? "" : " ", (double)((const float *)mote_tensor_map(y))[i]);
    puts("");
    mote_session_destroy(&session);
    mote_model_destroy(&model);
    return 0;
}
