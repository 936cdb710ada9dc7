module ringway

go 1.26
