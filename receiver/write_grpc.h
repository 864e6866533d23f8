/* write_grpc.h - writes of other receivers: /thanos.WriteableStore/RemoteWrite.
 *
 * Stored here as they come are those of who asks for it (header mneme-direct), and all where there
 * is no ring. Others go the way of a write over HTTP, but without rules and the limits of requests,
 * which held where they came in: to the owner of the copy that the message names, or to all owners.
 * Limits of a tenant's head and memory hold for whatever is stored here.
 *
 * Answers: OK; ALREADY_EXISTS for what can never be stored, whatever the reason: a router of Thanos
 * makes 409 of that code alone and 5xx of others, which senders repeat for ever; UNAVAILABLE for
 * what passes. INVALID_ARGUMENT: malformed, or above a limit of messages. To who tells parts apart,
 * OK and what became of each. Threads: any worker. */
#pragma once
#include "net/grpc/grpc_server.h"
#include "receiver/receive.h"

/* For the method table of the server that shall have it; it must have stopped when the receiver is
 * closed. */
struct grpc_method receiver_grpc_method(struct receiver *v);
