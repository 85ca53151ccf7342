/* testdata.h - ONNX's test folders: input_N.pb and output_N.pb
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_TESTDATA_H
#define MOTE_TOOL_TESTDATA_H

#include "npy.h"
#include <mote/mote.h>

/* Reads the tensors of a test_data_set folder, named after the model's inputs and outputs in order (inputs without an initializer first to last).
 * A file that holds a sequence or optional is MOTE_E_UNSUPPORTED here. */
mote_status testdata_read(const mote_model *model, const char *folder, named_arrays *in, named_arrays *out, mote_diag *diag);

#endif
