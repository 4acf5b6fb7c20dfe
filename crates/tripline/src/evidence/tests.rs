mod clearance;
mod fleet;
mod hostile;
mod outage;
mod properties;
mod recorded;
mod sentences;
mod small;
