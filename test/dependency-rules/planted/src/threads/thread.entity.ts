export class Thread {}
