// What console-chart.js uses of uPlot.
export default class uPlot {
  constructor(options: object, data: unknown[], place: HTMLElement);
  readonly width: number;
  setData(data: unknown[]): void;
  setSize(size: { width: number; height: number }): void;
  destroy(): void;
}
