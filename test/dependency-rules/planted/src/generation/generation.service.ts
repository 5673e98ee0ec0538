export class GenerationService {}
