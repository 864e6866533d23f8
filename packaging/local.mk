EXTRA_DIST += %reldir%/apt-packages
