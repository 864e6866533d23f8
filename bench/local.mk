# drivers of ./dev bench
