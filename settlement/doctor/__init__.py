"""What `settlement doctor` looks at, and what it says of it (体检): a deployment's clock, keys,
permissions, disks, database, Redis, certificates, backups and open work. It changes nothing."""
