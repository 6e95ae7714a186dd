using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Tests.Execution;

public sealed class WorkerPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void EveryItemOfEveryStageIsClaimedExactlyOnce(int threads)
    {
        using WorkerPool pool = new(threads, "test");
        int[] totals = [1, 0, 7, 64, 1000, 3];
        int[] grains = [1, 4, 3, 1000, int.MaxValue, 2];
        for (int round = 0; round < 50; round++)
        {
            int[][] claimed = [.. totals.Select(total => new int[total])];
            bool orderly = true;
            pool.Run(threads, worker =>
            {
                for (int stage = 0; stage < totals.Length; stage++)
                {
                    while (worker.Next(totals[stage], grains[stage], out int first, out int last))
                    {
                        orderly &= last - first <= grains[stage] && first < last;
                        for (int i = first; i < last; i++)
                        {
                            Interlocked.Increment(ref claimed[stage][i]);
                        }
                    }

                    Assert.False(worker.Next(totals[stage], grains[stage], out _, out _));
                    worker.Barrier();
                    orderly &= claimed[stage].All(count => count == 1);
                }
            });
            Assert.True(orderly);
        }
    }

    [Fact]
    public void RunsOfOneWorkerFollowEachOther()
    {
        using WorkerPool pool = new(1, "test");
        List<(int, int)> runs = [];
        pool.Run(1, worker =>
        {
            while (worker.Next(10, 4, out int first, out int last))
            {
                runs.Add((first, last));
            }
        });
        Assert.Equal([(0, 4), (4, 8), (8, 10)], runs);
    }

    [Fact]
    public void AWorkerTakesItsOwnShareInOrderThenHelpsFromTheEnd()
    {
        StepSynchronisation synchronisation = new(2);
        Worker[] workers = [new() { Index = 0 }, new() { Index = 1 }];
        synchronisation.Begin(2);
        workers[0].Begin(2, synchronisation);
        workers[1].Begin(2, synchronisation);
        List<(int, int)> runs = [];
        for (int i = 0; i < 4; i++)
        {
            Assert.True(workers[0].Next(12, 2, out int first, out int last));
            runs.Add((first, last));
        }

        Assert.Equal([(0, 2), (2, 4), (4, 6), (10, 12)], runs);
        Assert.True(workers[1].Next(12, 2, out int own, out _));
        Assert.Equal(6, own);
    }

    [Theory]
    [InlineData(2, 4000)]
    [InlineData(5, 1000)]
    [InlineData(8, 500)]
    public void WritesBeforeABarrierAreSeenAfterIt(int threads, int barriers)
    {
        using WorkerPool pool = new(threads, "test");
        int[] numbers = new int[threads];
        int wrong = 0;
        pool.Run(threads, worker =>
        {
            for (int i = 0; i < barriers; i++)
            {
                numbers[worker.Index] = i;
                worker.Barrier();
                if (numbers.Any(number => number != i))
                {
                    Interlocked.Increment(ref wrong);
                }

                worker.Barrier();
            }
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void ManyShortStepsOfChangingWidth()
    {
        using WorkerPool pool = new(6, "test");
        int sum = 0;
        int expected = 0;
        for (int i = 0; i < 3000; i++)
        {
            int width = 1 + (i % 6);
            expected += width;
            pool.Run(width, worker =>
            {
                Assert.Equal(width, worker.Count);
                Interlocked.Increment(ref sum);
            });
            if (i % 500 == 0)
            {
                Thread.Sleep(20); // Workers fall asleep.
            }
        }

        Assert.Equal(expected, sum);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(4, 3)]
    public void AFailureReachesTheCallerAndThePoolGoesOn(int threads, int failing)
    {
        using WorkerPool pool = new(threads, "test");
        for (int round = 0; round < 100; round++)
        {
            InvalidDataException thrown = Assert.Throws<InvalidDataException>(() => pool.Run(threads, worker =>
            {
                worker.Barrier();
                if (worker.Index == failing)
                {
                    throw new InvalidDataException("on purpose");
                }

                worker.Barrier();
                worker.Barrier();
            }));
            Assert.Equal("on purpose", thrown.Message);

            int ran = 0;
            pool.Run(threads, worker =>
            {
                worker.Barrier();
                Interlocked.Increment(ref ran);
                worker.Barrier();
                Assert.Equal(threads, ran);
            });
        }
    }

    [Theory]
    [InlineData(2, 30_000)]
    [InlineData(4, 3000)]
    public void LeavingRightAfterABarrierIsNoFailure(int threads, int steps)
    {
        using WorkerPool pool = new(threads, "test");
        for (int i = 0; i < steps; i++)
        {
            pool.Run(threads, worker => worker.Barrier());
        }
    }

    [Fact]
    public void UnevenBarriersFailInsteadOfHanging()
    {
        using WorkerPool pool = new(3, "test");
        for (int round = 0; round < 100; round++)
        {
            Assert.Throws<InvalidOperationException>(() => pool.Run(3, worker =>
            {
                worker.Barrier();
                if (worker.Index != round % 3)
                {
                    worker.Barrier();
                }
            }));
        }
    }

    [Fact]
    public void ThreadsEndWithThePool()
    {
        WeakReference pool = UsePool();
        for (int i = 0; i < 200 && pool.IsAlive; i++)
        {
            Thread.Sleep(10);
            GC.Collect();
        }

        Assert.False(pool.IsAlive);
    }

    private static WeakReference UsePool()
    {
        WorkerPool pool = new(3, "test");
        pool.Run(3, worker => worker.Barrier());
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Run(1, _ => { }));
        return new WeakReference(pool);
    }
}
