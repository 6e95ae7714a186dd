using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Runtime.Tests.Training;

/// <summary>The learning rate: up a line, down a cosine.</summary>
public sealed class ScheduleTests
{
    [Fact]
    public void ItClimbsALineAndFallsACosine()
    {
        LearningRateSchedule schedule = new(Peak: 0.4, WarmUpSteps: 4, TotalSteps: 15, FinalFraction: 0.25);
        Assert.Equal([0.1, 0.2, 0.3, 0.4, 0.4], Enumerable.Range(0, 5).Select(step => Math.Round(schedule.At(step), 12)));
        Assert.Equal(0.25, schedule.At(9), 12); // halfway between 0.4 and 0.1
        Assert.Equal(0.1, schedule.At(14), 12);
        Assert.Equal(0.1, schedule.At(1000), 12);
    }

    [Fact]
    public void WithoutWarmUpItBeginsAtThePeak()
        => Assert.Equal(1, new LearningRateSchedule(1, 0, 10).At(0), 12);

    [Fact]
    public void ASingleStepHasARate()
        => Assert.True(new LearningRateSchedule(1, 0, 1).At(0) > 0);

    [Theory]
    [InlineData(0, 0, 10, 0.1)]
    [InlineData(double.NaN, 0, 10, 0.1)]
    [InlineData(1, 11, 10, 0.1)]
    [InlineData(1, 0, 0, 0.1)]
    [InlineData(1, 0, 10, 1.5)]
    public void WhatMakesNoScheduleIsRefused(double peak, long warmUp, long total, double final)
        => Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(peak, warmUp, total, final).Check());
}
