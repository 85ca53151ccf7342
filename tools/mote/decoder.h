/* decoder.h - the operators that the tool adds to the library's: ImageDecoder (ai.onnx 20)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_DECODER_H
#define MOTE_TOOL_DECODER_H

#include <mote/mote_custom.h>

/* For every load of the tool's; made at the first call, kept to the end. NULL when memory runs out: then the models load without. One thread at first. */
const mote_custom_ops *tool_operators(void);

#endif
