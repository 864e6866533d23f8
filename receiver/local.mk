noinst_LIBRARIES += %reldir%/libreceiver.a
%canon_reldir%_libreceiver_a_SOURCES = \
	%reldir%/meta_monitoring.c %reldir%/meta_monitoring.h \
	%reldir%/otlp_http.c %reldir%/otlp_http.h \
	%reldir%/partial.c %reldir%/partial.h \
	%reldir%/policy.c %reldir%/policy.h \
	%reldir%/receive.c %reldir%/receive.h %reldir%/receive_int.h \
	%reldir%/scratch.c %reldir%/scratch.h \
	%reldir%/verdict.c %reldir%/verdict.h \
	%reldir%/write.c %reldir%/write.h \
	%reldir%/write_answer.c \
	%reldir%/write_gate.c %reldir%/write_gate.h \
	%reldir%/write_grpc.c %reldir%/write_grpc.h \
	%reldir%/write_http.c \
	%reldir%/write_job.c %reldir%/write_job.h \
	%reldir%/write_metrics.c %reldir%/write_metrics.h \
	%reldir%/write_protocol.c %reldir%/write_protocol.h \
	%reldir%/write_replicate.c
EXTRA_DIST += %reldir%/README.md
