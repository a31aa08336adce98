# Mapped files and tensors from their bytes.
libyoso_la_SOURCES += \
	src/io/folder.c \
	src/io/formats.c src/io/formats.h \
	src/io/map.c \
	src/io/reader.c \
	src/io/writer.c
