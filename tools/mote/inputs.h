/* inputs.h - files of arrays for a model's inputs
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_INPUTS_H
#define MOTE_TOOL_INPUTS_H

#include "npy.h"
#include <mote/mote.h>

/* npz_read of arrays that the model takes. Refused before their data is unpacked: a name that is no input's (MOTE_E_ARGUMENT), more elements than an input
 * of fixed shape takes (MOTE_E_SHAPE). */
mote_status inputs_read(const char *path, const mote_model *model, named_arrays *out, mote_diag *diag);

#endif
