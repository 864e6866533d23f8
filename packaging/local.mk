EXTRA_DIST += %reldir%/README.md %reldir%/apt-packages
